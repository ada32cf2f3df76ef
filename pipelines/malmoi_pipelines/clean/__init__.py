"""Raw text in, normalised, filtered and PII-masked documents out."""
