"""The result backends of Celery, as places for texts."""
