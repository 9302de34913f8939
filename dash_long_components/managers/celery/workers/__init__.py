"""The processes of Celery's workers: whether they live, and what they leave behind."""
