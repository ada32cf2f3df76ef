"""Tokenizers as the pipelines use them: one way to open any, to encode documents, and to encode units of a word table.

encoder.py              what every encoder can do
opening.py              a path to an encoder
sentencepiece_model.py  a SentencePiece model (`tokenizer.model`)
tokenizer_json.py       a Hugging Face `tokenizer.json`, read with the package `tokenizers`
json_spec.py            what a `tokenizer.json` says of itself
"""
