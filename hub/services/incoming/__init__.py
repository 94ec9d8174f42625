"""What is done with a text that came in."""
