"""Training on packed shards with exactly frozen rows. Reads `malmoi_pipelines.contracts` only; needs no Beam."""
