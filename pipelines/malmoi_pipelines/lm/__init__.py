"""N-gram language models: counted with the engine, smoothed by modified Kneser-Ney, written as ARPA for kenlm."""
