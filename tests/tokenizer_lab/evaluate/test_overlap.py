from malmoi_tokenizer_lab.evaluate.overlap import overlap_rows, token_rows


def test_pairs_by_hand():
    pieces = {"a": {"▁가": 5, "▁나": 3, "▁다": 1}, "b": {"▁가": 9, "▁라": 2}, "c": {"▁나": 4}}
    rows = {(row["one"], row["other"]): list(row.values())[2:] for row in overlap_rows(pieces)}
    assert rows == {("a", "b"): [1, 2, 4, 1, 2], ("a", "c"): [1, 2, 6, 0, 0], ("b", "c"): [0, 2, 11, 1, 4]}
    listed = [(row["in"], row["not in"], row["token"], row["count"]) for row in token_rows(pieces)]
    assert listed[:3] == [("a", "b", "▁나", 3), ("a", "b", "▁다", 1), ("b", "a", "▁라", 2)]
    assert not overlap_rows({"a": {"▁가": 1}})
