"""rpmhub's hub: readings in, a named clinician answers."""

__version__ = "0.1.0"
