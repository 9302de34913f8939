"""The job store on Celery: jobs as documents, which readers and workers change."""
