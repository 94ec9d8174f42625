"""The pages, one blueprint each. They do not know each other."""
