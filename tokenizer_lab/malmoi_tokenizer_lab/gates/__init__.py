"""What the gates of both kinds of bases share: results, hard texts, the libraries that load a tokenizer."""
