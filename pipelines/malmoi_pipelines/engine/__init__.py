"""Runs a job (steps with a columnar shuffle between) on Beam: in memory, in worker processes, or on a real runner."""
