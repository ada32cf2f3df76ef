"""The fixed-point loop: from a word table to an extended tokenizer. Reads `pipelines.contracts` only."""
