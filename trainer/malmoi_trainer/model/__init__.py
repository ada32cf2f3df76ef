"""The model: made or loaded, its tables split into old and new rows, frozen, saved whole."""
