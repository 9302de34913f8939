"""All that knows Dash's internals."""
