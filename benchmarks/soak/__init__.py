"""A soak: many jobs, while faults of all kinds hit whatever runs and serves them.

A ledger outside of all that is killed has every click, every run of a function, every
program that a job started, and every fault. In the end the accounts compare it with
``docs/promise.md``.
"""
