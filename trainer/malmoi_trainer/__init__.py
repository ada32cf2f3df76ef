"""Training on packed shards with exactly frozen rows; needs no Beam.

Of the pipelines it reads `malmoi_pipelines.contracts` and `malmoi_pipelines.tokenizers` only.
"""
