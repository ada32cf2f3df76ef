"""The one room that opens tokenizers: what kind a file is, what it says of itself, how it encodes. No Beam, no torch.

finding.py              a name to a tokenizer's file
opening.py              a file to an encoder
encoder.py              what every encoder can do: encode documents, and units of a word table
tokens.py               the tokens of many units as arrays
countable.py            whether tokens can be counted over units, and over which
sentencepiece_model.py  a SentencePiece model (`tokenizer.model`) as an encoder
model_proto.py          its protobuf: pieces, scores, settings
tokenizer_json.py       a Hugging Face `tokenizer.json`, read with the package `tokenizers`
json_spec.py            what a `tokenizer.json` says of itself
tekken.py               Mistral's Tekken files as a `tokenizer.json`
byte_alphabet.py        the characters that stand for bytes in byte-level vocabularies
spelling.py             how pieces spell texts
"""
