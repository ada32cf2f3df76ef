"""The fixed-point loop: from a word table to an extended tokenizer.

Of the pipelines it reads `malmoi_pipelines.contracts` and `malmoi_pipelines.tokenizers` only.
"""
