"""The hub's use-cases: one function each, permission first, commit and audit last. They see ports only."""
