"""The fixed-point loop: from a word table to an extended tokenizer. Reads `malmoi_pipelines.contracts` only."""
