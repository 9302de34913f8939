"""The only layer that knows Dash's internals."""
