"""Exact and near duplicates: found by digests, verified, removed with a named survivor."""
