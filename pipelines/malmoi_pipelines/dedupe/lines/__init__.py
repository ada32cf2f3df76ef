"""Lines or paragraphs that many documents share, cut from the texts."""
