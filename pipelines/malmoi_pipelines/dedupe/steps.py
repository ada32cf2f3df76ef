"""The chain of steps.

    DigestFile ─▶ GroupExact ─▶ SendBands ─▶ MeetBands ─▶ DescribeCandidates ─▶ PairBuckets ─▶ VerifyEdges ─╮
     by file       by digest     by file      by digest        by file           by digest       by file    │
                                    ╰─────(near: false)─────╮                                               │
    ApplyRemovals ◀─ NameDocuments ◀─ SettleRemovals ◀──────┴── ResolveMatches ◀─(JoinStars ... RouteMatches)╯
       by file           by file         by file                 by component      by document      by file

Texts are read three times (digest, describe, apply; describe reads only row groups with candidates) and sent never. The
steps in brackets are there only if the matches are too many for one partition. With `repeated_lines` there are three
more before the last: SendLines by file, which reads all texts a fourth time, MeetLines by line, NameKeepers by file.
With `before_near` two stand before the first: FindLines by file, which reads all texts, too, and GatherLines by line.
"""

from dataclasses import dataclass

from malmoi_pipelines.dedupe.apply import ApplyRemovals
from malmoi_pipelines.dedupe.config import DedupeConfig
from malmoi_pipelines.dedupe.digest import DigestFile
from malmoi_pipelines.dedupe.exact import GroupExact
from malmoi_pipelines.dedupe.lines.before_near import FindLines, GatherLines
from malmoi_pipelines.dedupe.lines.repeated_lines import MeetLines, NameKeepers, SendLines
from malmoi_pipelines.dedupe.names import NameDocuments, SettleRemovals
from malmoi_pipelines.dedupe.near.bands import MeetBands, SendBands
from malmoi_pipelines.dedupe.near.candidates import DescribeCandidates, PairBuckets
from malmoi_pipelines.dedupe.near.components import JoinStars, RouteMatches
from malmoi_pipelines.dedupe.near.resolve import ResolveMatches
from malmoi_pipelines.dedupe.near.verify import VerifyEdges
from malmoi_pipelines.engine.job import Step

PARTITION_BYTES = 128 << 20
"""Bytes of input text a hash partition. Bands take 160 bytes a document: 5 MB for long documents of 4 KB, and at most
some 0.4 GB where every document is a sentence of just five words."""
RESOLVE_BYTES = 4 << 30
"""Bytes of input text a partition of matches: 100 MB of matches where one document in seven has near duplicates."""


@dataclass(frozen=True)
class Partitions:
    """How many partitions the steps have; it follows from the input and never from the number of workers."""

    digests: int
    matches: int

    @classmethod
    def of(cls, input_bytes: int) -> "Partitions":
        """For this many bytes of text."""
        return cls(max(1, -(-input_bytes // PARTITION_BYTES)), max(1, -(-input_bytes // RESOLVE_BYTES)))


@dataclass(frozen=True)
class CorpusFiles:
    """The files of a job: those to be deduplicated, and those of earlier corpora with their digests."""

    new: tuple[str, ...]
    """Parquet files of documents. Their order gives the output files their numbers and nothing else."""
    old: tuple[str, ...] = ()
    old_digests: tuple[str, ...] = ()
    old_bytes: int = 0
    """UTF-8 bytes of the texts of the earlier corpora."""

    @property
    def all(self) -> tuple[str, ...]:
        """The files in the order of their numbers."""
        return self.new + self.old


def dedupe_steps(
    files: CorpusFiles, out: str, work: str, config: DedupeConfig, partitions: Partitions
) -> tuple[Step, ...]:
    """The steps that remove duplicates.

    Args:
        files: the documents.
        out: dataset folder; gets `data/`, `removals/` and `digests/part-NNNNN.parquet`, one a new file.
        work: folder for work files; all workers must reach it.
        config: what counts as a duplicate.
        partitions: see `Partitions.of`.
    """
    new, every = len(files.new), len(files.all)
    star = config.groups == "star" or not config.near
    naming = (
        (("name documents", ("partner", "cluster"), "document"),)
        if star
        else (("name partners", ("partner",), "cluster"), ("name survivors", ("cluster",), "document"))
    )
    return (
        *_before_near(files, config, partitions),
        Step("digest", DigestFile(files.new, files.old_digests, work, config, partitions.digests), every),
        Step("group exact", GroupExact(new), partitions.digests),
        Step("send bands", SendBands(work, partitions.digests), every),
        *(_near_steps(files, work, config, partitions) if config.near else ()),
        Step("settle removals", SettleRemovals(work, new), every),
        *(Step(name, NameDocuments(files.all, work, which, to), every) for name, which, to in naming),
        *_line_steps(files, work, config, partitions),
        Step("apply removals", ApplyRemovals(files.new, out, work, config), new),
    )


def _before_near(files: CorpusFiles, config: DedupeConfig, partitions: Partitions) -> tuple[Step, ...]:
    options = config.repeated_lines
    if options is None or not config.lines_before_near:
        return ()
    return (
        Step("find lines", FindLines(files.new, config, partitions.digests), len(files.new)),
        Step("gather lines", GatherLines(options.min_documents), partitions.digests),
    )


def _line_steps(files: CorpusFiles, work: str, config: DedupeConfig, partitions: Partitions) -> tuple[Step, ...]:
    options = config.repeated_lines
    if options is None:
        return ()
    new = len(files.new)
    return (
        Step("send lines", SendLines(files.new, work, options, config.fold, partitions.digests), new),
        Step("meet lines", MeetLines(options.min_documents), partitions.digests),
        Step("name keepers", NameKeepers(files.new), new),
    )


def _near_steps(files: CorpusFiles, work: str, config: DedupeConfig, partitions: Partitions) -> tuple[Step, ...]:
    new, every = len(files.new), len(files.all)
    matches, rounds = partitions.matches, config.component_rounds
    verify = VerifyEdges(work, config.similarity, config.threshold, matches)
    gather = [
        *(
            Step(f"join stars {n}", JoinStars(matches, rounds, new if n == rounds else None), matches)
            for n in range(1, rounds + 1)
        ),
        Step("route matches", RouteMatches(work, matches), new),
    ]
    return (
        Step("meet bands", MeetBands(new), partitions.digests),
        Step("describe candidates", DescribeCandidates(files.all, work, config, partitions.digests), every),
        Step("pair buckets", PairBuckets(config, new), partitions.digests),
        Step("verify edges", verify, new),
        *(gather if matches > 1 else ()),
        Step("resolve matches", ResolveMatches(work, config, new), matches),
    )
