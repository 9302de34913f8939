"""The costs of this package beside those of ``background=True`` of Dash."""
