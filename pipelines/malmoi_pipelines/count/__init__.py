"""The word table: every distinct unit of the corpus with its count."""
