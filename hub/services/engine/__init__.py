"""The ordered modules that the worker ticks."""
