"""Conditional writes to the backends that Celery knows."""
