"""Rule kinds, one file each. A kind is a parser of its YAML parameters and a pure function of a sample and its history."""
