"""What every page stands in: the router, choices carried from page to page, the server's memory."""
