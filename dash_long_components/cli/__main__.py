"""``python -m dash_long_components.cli``."""

from . import main

main()
