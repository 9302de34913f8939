"""The parts of jobs on Celery's workers."""
