"""Clinical scores, one file each, each citing its source."""
