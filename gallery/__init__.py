"""The pages of `usage.py`, and the frame around them."""
