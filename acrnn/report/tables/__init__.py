"""One module a subject: what was measured of it → tables, each built once for documents, pages and CSV files."""
