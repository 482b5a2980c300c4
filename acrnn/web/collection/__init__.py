"""The Collection page: which sounds (`gather`), the table and one clip of it (`rows`), the map (`map`), and pairs."""
