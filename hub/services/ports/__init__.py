"""What the use-cases ask of the world: Protocols and the rows they pass."""
