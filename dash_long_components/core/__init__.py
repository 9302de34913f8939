"""Rules and records, without a store or a process. Most modules are pure.

These are the exceptions:

- ``bars``, ``steps`` and ``lines`` collect what a running function reports, from any
  thread.
- ``forecasts`` reads the clock, ``outage_log`` logs.
- ``module_names``, ``app_origin`` and ``code_version`` look at this Python process, for
  all layers: at its modules, at how it made its apps, at the files that it has loaded.
"""
