"""The ``long_callback`` decorator."""
