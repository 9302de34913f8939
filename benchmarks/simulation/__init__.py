"""``python -m benchmarks.simulation``: sizes that no two cores can show."""
