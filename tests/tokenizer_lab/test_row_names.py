"""One rule for the names of rows: what settings take, what fills up a vocabulary, what a gate knows for a row."""

import pytest
from malmoi_tokenizer_lab.config import ExpandConfig
from malmoi_tokenizer_lab.row_names import ROW_NAME, padding_names
from pydantic import ValidationError


def test_padding_rows_have_names_that_settings_would_take():
    names = padding_names({"<|reserved_1|>"}, 3)
    assert names == ["<|reserved_0|>", "<|reserved_2|>", "<|reserved_3|>"]
    assert all(map(ROW_NAME.fullmatch, names))
    assert ExpandConfig(reserved=tuple(names)).reserved == tuple(names)
    assert padding_names((), -1) == []


@pytest.mark.parametrize("name", ["im_end", "<|Im|>", "<|a b|>", "<||>", "<|a|><|b|>"])
def test_other_names_are_refused(name):
    assert not ROW_NAME.fullmatch(name)
    with pytest.raises(ValidationError, match="a name must look like"):
        ExpandConfig(reserved=(name,))
