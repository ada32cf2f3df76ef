import pytest
import torch
from malmoi_pipelines.contracts.errors import CheckError
from malmoi_trainer.model.freezing import check_frozen, frozen_digests, named_parts
from malmoi_trainer.model.trainable import PARTS, TRAINABLE_SETS
from malmoi_trainer.training.loop import make_optimizer, train_steps

from tests.trainer.small import BASE_SIZE, NEW_ROWS, grown_model, random_batch, small_config


def snapshot(model):
    return {name: parameter.detach().clone() for name, parameter in model.named_parameters()}


@pytest.mark.long
@pytest.mark.parametrize("name", TRAINABLE_SETS)
def test_frozen_parts_are_bit_equal_and_trained_parts_move(name):
    """With weight decay wherever the set allows it, and clipping that bites."""
    model = grown_model(name)
    decay = 0.1 if "layers" in TRAINABLE_SETS[name] else 0.0
    before, digests = snapshot(model), frozen_digests(model)
    train_steps(model, random_batch, small_config(train_set=name, weight_decay=decay, grad_clip=0.01, steps=5))
    check_frozen(digests, model)
    for key, part, parameter in named_parts(model):
        assert torch.equal(parameter, before[key]) == (part not in TRAINABLE_SETS[name]), key


def test_frozen_parts_survive_an_optimizer_that_decays_everything():
    model = grown_model("kosolar")
    before = snapshot(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.5)
    for step in range(5):
        model(random_batch(step).ids_bt).logits.logsumexp(-1).sum().backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    for key, part, parameter in named_parts(model):
        assert torch.equal(parameter, before[key]) == (part in {"in_old", "layers"}), key


def test_rows_of_tables_are_never_decayed():
    optimizer = make_optimizer(grown_model("eeve-6"), weight_decay=0.1)
    decayed, others = (group["params"] for group in optimizer.param_groups)
    assert all(p.ndim == 2 and len(p) not in {BASE_SIZE, len(NEW_ROWS.base_ids)} for p in decayed)
    assert {len(p) for p in others if p.ndim == 2} == {BASE_SIZE, len(NEW_ROWS.base_ids)}


def test_a_moved_frozen_tensor_is_named():
    model = grown_model("kosolar")
    digests = frozen_digests(model)
    with torch.no_grad():
        model.model.embed_tokens.old[3, 3] += 1e-7
    with pytest.raises(CheckError, match=r"model\.embed_tokens\.old"):
        check_frozen(digests, model)


def test_trained_parts_are_float32_and_frozen_parts_keep_their_type():
    model = grown_model("kosolar", dtype=torch.bfloat16)
    types = {part: parameter.dtype for _, part, parameter in named_parts(model)}
    trained = TRAINABLE_SETS["kosolar"]
    assert types == {part: torch.float32 if part in trained else torch.bfloat16 for part in PARTS}


def test_without_trained_rows_or_layers_the_trunk_has_no_backward_pass():
    model = grown_model("eeve-4")
    assert not model.base_model(random_batch(0).ids_bt).last_hidden_state.requires_grad
