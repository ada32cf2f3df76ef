import pytest
import torch
from malmoi_pipelines.contracts.errors import CheckError
from malmoi_trainer.data.batches import collate
from malmoi_trainer.data.examples import Rows
from malmoi_trainer.training import loop
from malmoi_trainer.training.curve import curve_rows, first_and_last
from malmoi_trainer.training.loop import Step, batch_loss, learning_rate_at, train_steps
from torch.nn import functional

from tests.told import Told
from tests.trainer.small import BASE_SIZE, SEQUENCE_LENGTH, base_model, grown_model, random_batch, small_config


def test_loss_is_the_plain_cross_entropy_of_each_document_alone():
    model, batch = grown_model("kosolar"), random_batch(0)
    total, count = 0.0, 0
    with torch.no_grad():
        fused = batch_loss(model, batch)
        for row in batch.ids_bt:
            for document in (row[:5], row[5:]):
                logits = model(document.unsqueeze(0)).logits[0, :-1]
                total += functional.cross_entropy(logits, document[1:], reduction="sum").item()
                count += len(document) - 1
    assert fused.item() == pytest.approx(total / count, rel=1e-5)


@pytest.mark.parametrize("chunk", [7, 1024])
def test_gradients_are_those_of_the_plain_cross_entropy(chunk, monkeypatch):
    monkeypatch.setattr("malmoi_trainer.training.loop.LOSS_CHUNK", chunk)
    model, batch = grown_model("kosolar"), random_batch(1)
    batch_loss(model, batch).backward()
    fused = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    logits = model(batch.ids_bt, attention_mask=batch.attention_mask(), position_ids=batch.positions_bt).logits
    functional.cross_entropy(logits.flatten(0, 1), batch.labels_bt.flatten()).backward()
    assert set(fused) == {"model.embed_tokens.new", "lm_head.old", "lm_head.new"}
    for name, gradient in fused.items():
        torch.testing.assert_close(gradient, dict(model.named_parameters())[name].grad, rtol=1e-4, atol=1e-6)


def test_no_document_influences_another():
    model = base_model()
    ids = torch.randint(0, BASE_SIZE, (1, SEQUENCE_LENGTH), generator=torch.Generator().manual_seed(0))
    lengths = [torch.tensor([10, 12, 10], dtype=torch.int32).numpy()]

    def logits(tokens):
        batch = collate(Rows(tokens.numpy(), lengths, torch.zeros(1, dtype=torch.int32).numpy()))
        with torch.no_grad():
            return model(tokens, attention_mask=batch.attention_mask(), position_ids=batch.positions_bt).logits[0]

    other = ids.clone()
    other[0, 10:22] = (other[0, 10:22] + 1) % BASE_SIZE
    before, after = logits(ids), logits(other)
    assert torch.equal(before[:10], after[:10])
    assert torch.equal(before[22:], after[22:])
    assert not torch.allclose(before[10:22], after[10:22])
    with torch.no_grad():
        alone = model(ids[:, 22:]).logits[0]
    torch.testing.assert_close(before[22:], alone, rtol=1e-4, atol=1e-5)


def test_learning_rate_rises_linearly_and_falls_to_a_tenth():
    config = small_config(steps=100, warmup_steps=10, learning_rate=1.0)
    rates = [learning_rate_at(index, config) for index in range(101)]
    assert rates[:10] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
    assert rates[10] == 1.0
    assert rates[55] == pytest.approx(0.55)
    assert rates[100] == pytest.approx(0.1)
    constant = small_config(steps=100, warmup_steps=0, schedule="constant", learning_rate=1.0)
    assert {learning_rate_at(index, constant) for index in range(100)} == {1.0}


def test_a_loss_that_is_not_finite_stops_the_run_and_touches_no_parameter(monkeypatch):
    model = grown_model("kosolar")
    before = []

    def loss_of_the_third(model, batch):
        loss = batch_loss(model, batch)
        if len(before) < 2:
            before.append(None)
            return loss
        before.append({name: value.clone() for name, value in model.state_dict().items()})
        return loss * float("nan")

    monkeypatch.setattr(loop, "batch_loss", loss_of_the_third)
    with pytest.raises(CheckError, match=r"step 3: loss and gradient must be finite\. Got a loss of nan"):
        train_steps(model, random_batch, small_config())
    assert all(torch.equal(value, before[-1][name]) for name, value in model.state_dict().items())


def test_a_gradient_that_is_not_finite_stops_the_run_and_touches_no_parameter():
    model = grown_model("kosolar")
    model.lm_head.new.register_hook(lambda gradient: gradient * float("inf"))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(CheckError, match=r"step 1: .* a gradient of norm (inf|nan), .* The step was not taken"):
        train_steps(model, random_batch, small_config())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_gradient_checkpointing_changes_no_gradient():
    plain, saving = grown_model("eeve-6").train(), grown_model("eeve-6").train()
    saving.gradient_checkpointing_enable({"use_reentrant": False})
    for model in (plain, saving):
        batch_loss(model, random_batch(0)).backward()
    for left, right in zip(plain.parameters(), saving.parameters(), strict=True):
        assert torch.equal(left.grad, right.grad)


def test_bfloat16_products_give_nearly_the_same_loss():
    model, batch = grown_model("kosolar"), random_batch(0)
    with torch.no_grad():
        exact = batch_loss(model, batch)
        with torch.autocast("cpu", torch.bfloat16):
            rounded = batch_loss(model, batch)
    assert rounded.dtype == torch.float32
    assert rounded.item() == pytest.approx(exact.item(), rel=0.02)


def test_progress_is_told_every_step():
    calls = []
    train_steps(grown_model("kosolar"), random_batch, small_config(steps=3), Told(calls))
    tokens = random_batch(0).ids_bt.numel()
    assert calls == [("train: steps", n, 3, {"tokens": n * tokens} if n else {}) for n in range(4)]


def test_curve_rows_average_the_steps_since_the_row_before():
    steps = [Step(number, float(number), 0.1, 10, 2, 1.0) for number in range(1, 6)]
    assert [(row["step"], row["loss"], row["tokens"]) for row in curve_rows(steps, 2)] == [
        (2, 1.5, 20),
        (4, 3.5, 40),
        (5, 5.0, 50),
    ]
    assert first_and_last(steps) == (1.0, 5.0)
    assert first_and_last(steps * 4) == (1.5, 4.5)
