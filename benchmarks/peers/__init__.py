"""``python -m benchmarks.peers``: other frameworks, beside this package."""
