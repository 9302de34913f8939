"""The workflows for which jobs wait."""
