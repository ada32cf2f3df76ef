"""Fixtures of the training tests."""

import pytest

from tests.trainer.small import Inputs, write_inputs


@pytest.fixture
def inputs(tmp_path) -> Inputs:
    """Shards of 24 examples in two files, and their tokenizer."""
    return write_inputs(tmp_path)
