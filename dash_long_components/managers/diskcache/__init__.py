"""The manager for one machine."""
