"""One script a claim; each prints the machine, and a ratio or a median with min and max."""
