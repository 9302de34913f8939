"""What a server process does for its jobs: it starts and watches a dispatcher."""
