"""The manager for tests."""
