"""SentencePiece bases of the Llama family: reading, extending, the files that come out, and their gates."""
