"""The pure zone: nouns and rules. Standard library only, no I/O, time is an argument."""
