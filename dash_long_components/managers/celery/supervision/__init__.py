"""What a worker does about its jobs while they run: starts, limits and ends."""
