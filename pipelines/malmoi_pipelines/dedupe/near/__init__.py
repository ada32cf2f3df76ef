"""Near duplicates: shingles, MinHash signatures, bands, candidate pairs, exact similarity, who survives."""
