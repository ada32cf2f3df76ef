"""A deterministic generator of Korean-like raw text with planted defects and a ground truth."""
