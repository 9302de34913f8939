"""The contract of managers."""

from .manager import LongCallbackManager, checked
from .watches import ReadingWatch, Watch

__all__ = ["LongCallbackManager", "ReadingWatch", "Watch", "checked"]
