"""A package with a factory and pages."""
