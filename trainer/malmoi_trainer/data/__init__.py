"""From shards to the batches of a step: which examples, in which order."""
