"""The pure core of the clean stage: a block of raw documents in; documents, rejects, spans and counts out.

Documents of one policy are worked on together: where texts are short, a call for each would cost more than the work.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from malmoi_pipelines.clean.config import CleanConfig, SourcePolicy
from malmoi_pipelines.clean.counts import CleanCounts
from malmoi_pipelines.clean.histograms import add_measures, source_codes
from malmoi_pipelines.clean.ids import new_ids
from malmoi_pipelines.clean.meta import mask_metas
from malmoi_pipelines.clean.perplexity import NOTHING_KNOWN, Decision, Scores
from malmoi_pipelines.clean.rule_data import load_rule_data
from malmoi_pipelines.contracts.ledger import DROPPED, FAILED, IN, KEPT, Ledger
from malmoi_pipelines.contracts.schemas import DOCUMENTS, REJECTS, SPANS
from malmoi_pipelines.raw.rows import RawBlock
from malmoi_pipelines.text.normalise import normalise_all
from malmoi_pipelines.text.pii import Span, find_spans_all, mask
from malmoi_pipelines.text.quality import judge

PERPLEXITY = "perplexity"
"""Reason of the documents that the language model's cut drops."""


@dataclass(frozen=True)
class JudgedBlock:
    """The texts of a block normalised and judged; one entry a document in each list."""

    texts: list[str]
    """Normalised, not masked."""
    changes: list[tuple[str, ...]]
    """Normalisation rules that changed each."""
    reasons: list[str | None]
    """Why each is not kept."""
    measures: dict[str, npt.NDArray[np.float64]]
    """What the report draws: name → one value a document."""

    def kept(self) -> list[int]:
        """Numbers of the documents that are kept."""
        return [i for i, reason in enumerate(self.reasons) if reason is None]


@dataclass(frozen=True)
class CleanedBlock:
    """What became of one block."""

    documents: pa.RecordBatch
    rejects: pa.RecordBatch
    """In the order of the lines."""
    spans: pa.RecordBatch
    ledger: Ledger
    counts: CleanCounts
    scored: int
    """Documents that `judge_block` keeps: as many scores the block used."""


def judge_block(block: RawBlock, config: CleanConfig) -> JudgedBlock:
    """Normalise and judge the texts of a block, each by the policy of its source."""
    groups = list(_by_policy(block.sources, config))
    if len(groups) == 1:  # nothing to bring back into order
        return _judge(block.texts, groups[0][0], block.without_markup)
    count = len(block.texts)
    judged = JudgedBlock([""] * count, [()] * count, [None] * count, {})
    for policy, places in groups:
        part = _judge([block.texts[i] for i in places], policy, block.without_markup)
        for i, text, changes, reason in zip(places, part.texts, part.changes, part.reasons, strict=True):
            judged.texts[i], judged.changes[i], judged.reasons[i] = text, changes, reason
        for name, values in part.measures.items():
            judged.measures.setdefault(name, np.zeros(count))[places] = values
    return judged


def _judge(texts: list[str], policy: SourcePolicy, without_markup: bool) -> JudgedBlock:
    normalised = normalise_all(texts, policy.normalise.of_shown() if without_markup else policy.normalise)
    judgement = judge(normalised.texts, policy.thresholds, load_rule_data(policy.thresholds))
    return JudgedBlock(normalised.texts, normalised.changes, judgement.reasons, judgement.measures)


def masked_texts(block: RawBlock, judged: JudgedBlock, places: list[int], config: CleanConfig) -> list[str]:
    """The texts of some documents, normalised and masked: what a language model learns and judges."""
    texts = _with_masks(judged, _find_spans(block, judged, places, config))
    return [texts[i] for i in places]


def clean_block(
    block: RawBlock,
    config: CleanConfig,
    file_name: str | None = None,
    decision: Decision = NOTHING_KNOWN,
    scores: Scores | None = None,
) -> CleanedBlock:
    """Clean a block of raw documents. The order of the rows is kept.

    Args:
        block: raw documents of one file.
        config: policies by source.
        file_name: what the report calls the file; its base name if None.
        decision: what the pass over all files found: ids that are shared, and how high a score may be.
        scores: the perplexities of the documents that `judge_block` keeps, and maybe of more that come after, where a
            language model is used.
    """
    judged = judge_block(block, config)
    scored = kept = judged.kept()
    if scores is not None:
        scores = scores.rows(slice(len(scored)))
        kept = _cut(block, judged, scores, decision)
    spans = _find_spans(block, judged, kept, config)
    ids, rekeyed = new_ids(block, decision.shared_ids)
    counts = _counts(block, judged, spans, file_name or block.file)
    counts.rekeyed.update(rekeyed)
    if scores is not None:
        scored_sources = [block.sources[i] for i in scored]
        add_measures(counts.histograms, scored_sources, {"perplexity": scores.table[:, 0].astype(np.float64)})
        scores = scores.rows(np.isin(scored, kept))
    raw = pa.array(block.texts, pa.large_string())
    return CleanedBlock(
        documents=_documents(
            block, ids, _with_masks(judged, spans), _masked_metas(block, kept, config, counts), kept, scores
        ),
        rejects=_rejects(block, ids, judged, raw),
        spans=_spans(block, ids, spans),
        ledger=_ledger(block, judged, raw),
        counts=counts,
        scored=len(scored),
    )


def _cut(block: RawBlock, judged: JudgedBlock, scores: Scores, decision: Decision) -> list[int]:
    """Note the reason of the documents above the cut of their source; returns the places of those that stay."""
    kept = judged.kept()
    above = scores.above([block.sources[i] for i in kept], decision.cuts)
    for i, is_above in zip(kept, above.tolist(), strict=True):
        if is_above:
            judged.reasons[i] = PERPLEXITY
    return judged.kept()


def _by_policy(sources: Sequence[str], config: CleanConfig) -> Iterator[tuple[SourcePolicy, Sequence[int]]]:
    """The places of the documents of each policy."""
    policies = {source: config.policy(source) for source in dict.fromkeys(sources)}
    if not policies:
        return
    if len({id(policy) for policy in policies.values()}) == 1:
        yield next(iter(policies.values())), range(len(sources))
        return
    groups: dict[int, tuple[SourcePolicy, list[int]]] = {}
    for i, source in enumerate(sources):
        policy = policies[source]
        groups.setdefault(id(policy), (policy, []))[1].append(i)
    yield from groups.values()


def _find_spans(
    block: RawBlock, judged: JudgedBlock, kept: list[int], config: CleanConfig
) -> dict[int, Sequence[Span]]:
    """Place of a kept document → its spans, for those that have any."""
    found: dict[int, Sequence[Span]] = {}
    for policy, numbers in _by_policy([block.sources[i] for i in kept], config):
        if policy.pii.enabled:
            places = [kept[number] for number in numbers]
            spans = find_spans_all([judged.texts[i] for i in places], policy.pii)
            found |= {i: some for i, some in zip(places, spans, strict=True) if some}
    return dict(sorted(found.items()))


def _documents(
    block: RawBlock, ids: list[str], texts: list[str], metas: list[str | None], kept: list[int], scores: Scores | None
) -> pa.RecordBatch:
    whole = {"id": ids, "source": block.sources, "text": texts, "meta": metas}
    columns = {} if scores is None else scores.columns()
    places = pa.array(kept, pa.int64())
    arrays = []
    for field in DOCUMENTS.schema:
        if field.name in whole:
            array = pa.array(whole[field.name], field.type)
            arrays.append(array if len(kept) == len(array) else array.take(places))
        else:
            arrays.append(pa.array(columns[field.name]) if field.name in columns else pa.nulls(len(kept), field.type))
    return pa.RecordBatch.from_arrays(arrays, schema=DOCUMENTS.schema)


def _with_masks(judged: JudgedBlock, spans: dict[int, Sequence[Span]]) -> list[str]:
    texts = list(judged.texts)
    for i, some in spans.items():
        texts[i] = mask(texts[i], some)
    return texts


def _masked_metas(block: RawBlock, kept: list[int], config: CleanConfig, counts: CleanCounts) -> list[str | None]:
    """The metas of the documents that are kept; null for the others."""
    metas: list[str | None] = [None] * len(block.metas)
    present = [(i, meta) for i in kept if (meta := block.metas[i]) is not None]
    for policy, numbers in _by_policy([block.sources[i] for i, _ in present], config):
        some = [present[number] for number in numbers]
        masked = mask_metas([meta for _, meta in some], policy.pii)
        for (i, _), (metas[i], spans) in zip(some, masked, strict=True):
            counts.masks.update((block.sources[i], span.kind, f"{span.rule} (meta)") for span in spans)
    return metas


def _rejects(block: RawBlock, ids: list[str], judged: JudgedBlock, raw: pa.Array) -> pa.RecordBatch:
    dropped = [i for i, reason in enumerate(judged.reasons) if reason is not None]
    none = [None] * len(block.bad)
    columns = {
        "id": [ids[i] for i in dropped] + none,
        "source": [block.sources[i] for i in dropped] + [block.source] * len(none),
        "text": pa.concat_arrays([raw.take(pa.array(dropped, pa.int64())), pa.nulls(len(none), pa.large_string())]),
        "meta": [block.metas[i] for i in dropped] + none,
        "raw": [None] * len(dropped) + [bad.raw for bad in block.bad],
        "file": [block.file] * (len(dropped) + len(none)),
        "start": [block.start] * (len(dropped) + len(none)),
        "line": [block.lines[i] for i in dropped] + [bad.line for bad in block.bad],
        "reason": [judged.reasons[i] for i in dropped] + [bad.reason for bad in block.bad],
    }
    return pa.RecordBatch.from_pydict(columns, schema=REJECTS.schema).sort_by("line")


def _spans(block: RawBlock, ids: list[str], spans: dict[int, Sequence[Span]]) -> pa.RecordBatch:
    rows = [(ids[i], block.sources[i], *span) for i, some in spans.items() for span in some]
    columns = zip(*rows, strict=True) if rows else [()] * len(SPANS.fields)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, SPANS.fields, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=SPANS.schema)


def _ledger(block: RawBlock, judged: JudgedBlock, raw: pa.Array) -> Ledger:
    ledger = Ledger()
    names, codes = source_codes(block.sources)
    reasons = {reason: number for number, reason in enumerate(dict.fromkeys(judged.reasons))}
    cells = codes * max(1, len(reasons)) + np.fromiter(map(reasons.__getitem__, judged.reasons), np.int64, len(codes))
    documents = np.bincount(cells)
    # The weights are summed as floats, which are exact up to 2^53: more bytes than a block has.
    num_bytes = np.bincount(cells, pc.binary_length(raw).to_numpy(zero_copy_only=False))
    for cell in np.flatnonzero(documents).tolist():
        source, reason = names[cell // len(reasons)], list(reasons)[cell % len(reasons)]
        outcome = KEPT if reason is None else DROPPED + reason
        _enter(ledger, source, outcome, int(documents[cell]), int(num_bytes[cell]))
    for bad in block.bad:
        _enter(ledger, block.source, FAILED, 1, bad.num_bytes)
    return ledger


def _enter(ledger: Ledger, source: str, outcome: str, documents: int, num_bytes: int) -> None:
    for name in (IN, outcome):
        ledger.add(source, name, documents, num_bytes)


def _counts(block: RawBlock, judged: JudgedBlock, spans: dict[int, Sequence[Span]], file_name: str) -> CleanCounts:
    counts = CleanCounts(problems=Counter((file_name, bad.reason) for bad in block.bad))
    if block.replaced:
        counts.changes[block.source, "bad_bytes"] += block.replaced
    for i in [i for i, changes in enumerate(judged.changes) if changes]:
        for rule in judged.changes[i]:
            counts.changes[block.sources[i], rule] += 1
    for i, some in spans.items():
        for span in some:
            counts.masks[block.sources[i], span.kind, span.rule] += 1
    add_measures(counts.histograms, block.sources, judged.measures)
    return counts
