"""The page of operators: all jobs of all users, and what runs them."""

from . import callbacks
from .long_job_admin import LongJobAdmin

__all__ = ["LongJobAdmin", "callbacks"]
