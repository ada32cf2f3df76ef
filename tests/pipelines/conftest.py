"""Fixtures of the pipelines tests."""

import pytest


@pytest.fixture(params=["local", "memory"])
def root(request, tmp_path, memory_root):
    """A folder on each kind of filesystem."""
    return str(tmp_path) if request.param == "local" else memory_root
