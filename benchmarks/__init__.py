"""What this package costs, beside what ``background=True`` of Dash costs."""
