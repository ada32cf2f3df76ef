"""Pure functions on text: normalise, quality, PII spans, units."""
