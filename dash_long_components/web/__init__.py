"""What an app serves: the endpoints, their tokens, and ``init_app``."""
