import pytest
import torch
from malmoi_pipelines.contracts.errors import UsageError
from malmoi_trainer.model.surgery import NewRows, grow, merge

from tests.trainer.small import BASE, BASE_SIZE, NEW, NEW_ROWS, SPACE, VOCAB_SIZE, base_model


def ids(text: str) -> list[int]:
    return [BASE.index(letter) for letter in text]


def row_of(piece: str) -> int:
    return NEW.index(piece)


def test_new_input_row_is_the_mean_and_new_output_row_the_first_of_its_pieces():
    model = base_model()
    in_vd, out_vd = model.model.embed_tokens.weight.clone(), model.lm_head.weight.clone()
    assert grow(model, NEW_ROWS, BASE_SIZE)
    new_in, new_out = model.model.embed_tokens.new, model.lm_head.new
    assert torch.equal(new_in[row_of("다라")], in_vd[ids("다라")].mean(dim=0))
    assert torch.equal(new_out[row_of("다라")], out_vd[ids("다")[0]])
    # The leading bare boundary piece counts for neither.
    assert torch.equal(new_in[row_of("▁가나")], in_vd[ids("가나")].mean(dim=0))
    assert torch.equal(new_out[row_of("▁가나")], out_vd[ids("가")[0]])
    # A reserved row has no pieces.
    assert torch.equal(new_in[row_of("<|reserved|>")], in_vd.mean(dim=0))
    assert torch.equal(new_out[row_of("<|reserved|>")], out_vd.mean(dim=0))


def test_the_boundary_piece_alone_is_kept():
    assert NewRows(((SPACE,), (SPACE, 7), (7, SPACE)), SPACE).spelling(0) == (SPACE,)


def test_tie_groups_count_equal_output_rows():
    # ▁가나, ▁가 and 가나 begin with 가; ab, abc and ▁ab with a; 다라 is alone, the reserved row is in no group.
    assert NEW_ROWS.tie_groups() == {ids("a")[0]: 3, ids("가")[0]: 3}


def test_logits_of_old_tokens_are_exactly_the_base_models():
    model, tokens = base_model(), torch.tensor([ids("abc가나다라"), ids("라다나가cba")])
    with torch.no_grad():
        before = model(tokens).logits
        grow(model, NEW_ROWS, BASE_SIZE)
        after = model(tokens).logits
    assert after.shape == (2, 7, VOCAB_SIZE)
    assert torch.equal(after[..., :BASE_SIZE], before)


def test_split_tables_compute_what_one_table_computes():
    model = base_model()
    grow(model, NEW_ROWS, BASE_SIZE)
    embedding, tokens = model.model.embed_tokens, torch.arange(VOCAB_SIZE).view(2, -1)
    whole = torch.cat([embedding.old, embedding.new])
    assert torch.equal(embedding(tokens), whole[tokens])
    assert torch.equal(model.lm_head.weight, torch.cat([model.lm_head.old, model.lm_head.new]))


def test_merge_gives_plain_tables_with_the_same_logits():
    model, tokens = base_model(), torch.arange(VOCAB_SIZE).view(2, -1)
    with torch.no_grad():
        grow(model, NEW_ROWS, BASE_SIZE)
        split = model(tokens).logits
        merge(model, torch.float32)
        torch.testing.assert_close(model(tokens).logits, split, rtol=1e-5, atol=1e-5)
    assert {name for name in model.state_dict() if "embed" in name or "head" in name} == {
        "model.embed_tokens.weight",
        "lm_head.weight",
    }
    assert model.config.vocab_size == VOCAB_SIZE


def test_a_grown_model_keeps_its_rows():
    model = base_model(vocab_size=VOCAB_SIZE)
    rows = model.model.embed_tokens.weight[BASE_SIZE:].clone()
    assert not grow(model, NEW_ROWS, BASE_SIZE)
    assert torch.equal(model.model.embed_tokens.new, rows)


def test_tied_tables_and_foreign_sizes_are_refused():
    with pytest.raises(UsageError, match="ties its input and output embeddings"):
        grow(base_model(tie_word_embeddings=True), NEW_ROWS, BASE_SIZE)
    with pytest.raises(UsageError, match=rf"\({BASE_SIZE}\), or as the extended one \({VOCAB_SIZE}\). Got 100"):
        grow(base_model(vocab_size=100), NEW_ROWS, BASE_SIZE)
