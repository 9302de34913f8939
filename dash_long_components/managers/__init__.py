"""Managers: they start, read and cancel jobs, each on an engine of its own."""
