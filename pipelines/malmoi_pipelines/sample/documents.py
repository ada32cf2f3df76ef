"""The documents of a shard, block by block: own text, copies of other documents, and plantings."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from malmoi_pipelines.sample.config import SampleConfig
from malmoi_pipelines.sample.copies import EDITED_WORDS, near_duplicate, related
from malmoi_pipelines.sample.draws import Dice, Ints, key_of
from malmoi_pipelines.sample.english import stems
from malmoi_pipelines.sample.hangul import nouns
from malmoi_pipelines.sample.junk import DAMAGES, insert_sentence
from malmoi_pipelines.sample.look_alikes import look_alike
from malmoi_pipelines.sample.personal import personal_number
from malmoi_pipelines.sample.plan import ShardPlan, shards_of
from malmoi_pipelines.sample.roles import COPIES, KINDS, PLAIN, Original, document_keys, find_original, roles
from malmoi_pipelines.sample.sources import SOURCES, Draft
from malmoi_pipelines.sample.truth import Planting

BLOCK_BYTES = 1 << 20  # text composed at once
_TWO_NUMBERS_FROM = 400  # characters of a body that can hold two numbers without either standing in the other's context


@dataclass
class Document:
    """A document on its way to a line."""

    position: int
    key: int
    role: int
    draft: Draft
    plantings: list[Planting] = field(default_factory=list)

    @property
    def kind(self) -> str | None:
        """What is planted in it."""
        return None if self.role == PLAIN else KINDS[self.role]

    def dice(self, purpose: str) -> Dice:
        """The document's own dice for one purpose."""
        return Dice(key_of(purpose, self.key))


def documents(config: SampleConfig, plan: ShardPlan) -> Iterator[Document]:
    """The documents of a shard in order, without end: the writer stops when the shard is full."""
    size = max(1, min(BLOCK_BYTES, plan.target_bytes) // SOURCES[plan.source].line_bytes)
    start = 0
    while True:
        yield from _block(config, plan, np.arange(start, start + size))
        start += size


def _block(config: SampleConfig, plan: ShardPlan, positions: Ints) -> list[Document]:
    source = SOURCES[plan.source]
    keys = document_keys(config.seed, plan.source, plan.shard, positions)
    drafts = source.compose(keys, source.lengths(keys))
    block = [
        Document(*row)
        for row in zip(
            positions.tolist(), keys.tolist(), roles(config, plan, keys, positions).tolist(), drafts, strict=True
        )
    ]
    _copy(config, plan, [document for document in block if document.kind in COPIES])
    for document in block:
        if document.role != PLAIN and document.kind not in COPIES:
            _plant(document)
    return block


def _copy(config: SampleConfig, plan: ShardPlan, copies: list[Document]) -> None:
    """Turn documents into copies of their originals, which are composed again here: text is never read back."""
    found = [(document, _original(config, plan, document)) for document in copies]
    pairs = [(document, original) for document, original in found if original is not None]
    for source in dict.fromkeys(original.source for _, original in pairs):
        same = [pair for pair in pairs if pair[1].source == source]
        keys = np.array([original.key for _, original in same], np.uint64)
        words = np.array([original.words for _, original in same], np.intp)
        for (document, original), draft in zip(same, SOURCES[source].compose(keys, words), strict=True):
            _become_copy(document, original, draft, korean=SOURCES[source].korean)


def _original(config: SampleConfig, plan: ShardPlan, document: Document) -> Original | None:
    dice = document.dice("original")
    if document.kind != "exact_duplicate":
        return find_original(config, plan.source, dice, EDITED_WORDS)
    choices = [name for name in SOURCES[plan.source].copies_from or (plan.source,) if shards_of(config, name)]
    return find_original(config, dice.choice(choices), dice, 0)


def _become_copy(document: Document, original: Original, draft: Draft, *, korean: bool) -> None:
    dice = document.dice("edit")
    if document.kind == "exact_duplicate":
        document.draft = draft
        document.plantings.append(Planting("exact_duplicate", of=original.identity, similarity=1.0))
        return
    words = nouns() if korean else stems()
    if document.kind == "near_duplicate":
        made = near_duplicate(draft.body, dice, lambda dice: dice.choice(words))
    else:
        made = related(draft.body, document.draft.body, dice)
    if made is not None:
        document.draft = Draft(made[0])
        document.plantings.append(Planting(KINDS[document.role], of=original.identity, similarity=made[1]))


def _plant(document: Document) -> None:
    dice = document.dice("planting")
    draft, kind = document.draft, KINDS[document.role]
    if kind in ("pii", "look_alike"):
        both = len(draft.body) >= _TWO_NUMBERS_FROM and dice.chance(0.3)
        for fraction in (0.75, 0.1) if both else (0.5,):  # from the back, so that the places do not move
            sentence, planting = _number(kind, dice)
            draft.body = insert_sentence(draft.body, sentence, fraction)
            document.plantings.append(planting)
    elif kind in DAMAGES:
        damage = DAMAGES[kind](draft.body, dice)
        draft.body = damage.body
        document.plantings.append(Planting(kind, form=damage.form, text=damage.text, clean=damage.clean))
        if kind == "too_short":
            draft.lead = ""


def _number(kind: str, dice: Dice) -> tuple[str, Planting]:
    if kind == "pii":
        pii_kind, form, text, sentence = personal_number(dice)
        return sentence, Planting("pii", pii_kind=pii_kind, form=form, text=text)
    form, text, sentence = look_alike(dice)
    return sentence, Planting("look_alike", form=form, text=text)
