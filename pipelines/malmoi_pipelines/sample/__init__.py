"""Generated raw text with its ground truth: any size, no foreign text, and a record of what is wrong in it."""
