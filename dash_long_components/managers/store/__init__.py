"""The job store of one machine."""
