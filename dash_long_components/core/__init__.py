"""Pure rules and records: no clock, no store, no process.

Three modules are not rules. They look at this Python process, for all layers.
``module_names`` names its modules, ``app_origin`` finds how it made its apps, and
``code_version`` hashes the files that it has loaded.
"""
