"""Raw input: which files there are, and their documents as blocks of rows."""
