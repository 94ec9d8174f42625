"""What an operator must mend before patients depend on this hub: each finding with its reason and its mend."""
