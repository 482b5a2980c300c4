"""The Results page: this reproduction beside the paper. Imports shared."""
