"""Packed training examples in Arrow shards, biased to the new tokens."""
