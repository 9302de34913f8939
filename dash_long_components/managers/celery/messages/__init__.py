"""The messages that start jobs: how the broker gets them, and which are lost."""
