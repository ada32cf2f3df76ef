"""Personal data in files: shown for inspection, or masked without any other cleaning."""
