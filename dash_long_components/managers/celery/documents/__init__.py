"""The documents in Celery's result backend that jobs and workers have."""
