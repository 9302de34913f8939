"""The dispatcher: the process that starts, watches and ends workers."""
