"""The data stages as Beam jobs: sample, clean, dedupe, count, shard.

Each stage folder holds a pure core (functions on Arrow and NumPy), a config and a thin job. `contracts` is the kernel
shared with `malmoi_tokenizer_lab` and `malmoi_trainer`; `text` holds pure functions on text; `engine` runs a job on any
runner.
"""
