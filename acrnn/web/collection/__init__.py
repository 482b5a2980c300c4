"""The Collection page: which sounds (`gather`), the table and one clip of it (`rows`), and the map (`map`)."""
