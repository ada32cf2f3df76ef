"""Byte-level BPE bases (Llama 3, Qwen, Tekken): reading, writing, gates. No merge of the base is ever touched.

New merges come after all merges of the base. So the extended tokens of a text are the base's tokens, then merged
further: no text gets longer, and text without the bytes of a new token stays as it was.
"""
