"""Training on packed shards with exactly frozen rows. Reads `pipelines.contracts` only; needs no Beam."""
