"""The one room that opens tokenizers: what kind a file is, what it says of itself, how it encodes. No Beam, no torch.

opening.py              a path to an encoder
encoder.py              what every encoder can do: encode documents, and units of a word table
sentencepiece_model.py  a SentencePiece model (`tokenizer.model`) as an encoder
model_proto.py          its protobuf: pieces, scores, settings
tokenizer_json.py       a Hugging Face `tokenizer.json`, read with the package `tokenizers`
json_spec.py            what a `tokenizer.json` says of itself
tekken.py               Mistral's Tekken files as a `tokenizer.json`
byte_alphabet.py        the characters that stand for bytes in byte-level vocabularies
"""
