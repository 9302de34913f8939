"""Pure rules and records: no clock, no store, no process."""
