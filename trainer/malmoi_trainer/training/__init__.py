"""A run: the loop over steps, its device, its checkpoint and its loss curve."""
