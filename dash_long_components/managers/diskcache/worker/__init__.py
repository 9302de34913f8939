"""A worker: the process that runs one job."""
