"""The manager for many machines."""
