"""The Listen page's own parts."""
