"""The endpoints of an app, their tokens, and ``init_app``."""
