"""The loop: from the Korean units of a corpus to the tokens that are worth a row."""
