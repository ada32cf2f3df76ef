"""`malmoi tokenizer explain`: why a token is in an expanded tokenizer or not, from the tables that `expand` wrote."""

import difflib
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from malmoi_pipelines.contracts.errors import UsageError
from malmoi_pipelines.contracts.hangul import SPACE_MARK, is_korean_piece, is_letter
from malmoi_pipelines.contracts.manifest import open_dataset
from malmoi_pipelines.contracts.report import read_report
from malmoi_pipelines.contracts.schemas import CANDIDATES, HISTORY, NEW_TOKENS, ROUNDS, TOKENIZER
from malmoi_pipelines.contracts.tables import read_table
from malmoi_pipelines.tokenizers.countable import check_countable
from malmoi_pipelines.tokenizers.encoder import Encoder
from malmoi_pipelines.tokenizers.finding import locate
from malmoi_pipelines.tokenizers.opening import open_encoder
from malmoi_pipelines.tokenizers.spelling import piece_of, text_of

from malmoi_tokenizer_lab.loop.intermediate import CandidateSource

NUM_NEIGHBOURS = 3  # each side, in merge order
NUM_NEAREST = 5
NUM_CHILDREN = 20
_SIMILAR = 0.5  # least ratio of difflib

_KEPT = {
    "kept": "it occurs at least as often as the cutoff",
    "letter": "it is a letter that a new token needs, or that the corpus has at least as often as the cutoff",
    "scaffold": "it is below the cutoff, but a kept token is made from it",
    "allowed": "the list of the user wants it",
    "mask": "it is a mask of personal data",
    "reserved": "it is a reserved row: no plain text encodes to it",
}
_DROPPED = {
    "cutoff": "it occurred less often than the cutoff",
    "scaffold": "it, or a part that was there for it alone, was below the cutoff",
    "budget": "there were more tokens than the budget, and its loss cost least",
    "denied": "the list of the user denies it",
    "unreachable": "no text can produce it: others of its characters merge first",
}

_REACHED: dict[CandidateSource, str] = {
    "intermediate": "the intermediate vocabulary of {:,} pieces reached",
    "continued": "continued training of the base made, which stops at {:,}",
}


@dataclass(frozen=True)
class Explanation:
    """Why a token is in or out."""

    token: str
    """The token as text, U+2581 for a space."""
    verdict: str
    facts: dict[str, Any]
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Title → rows with equal keys; empty tables are left out."""


def explain(folder: str, token: str) -> Explanation:
    """Look a token up.

    Args:
        folder: what `expand` wrote, here or on the hub.
        token: its text, with a space or U+2581 in front where it has one, or its id.

    Raises:
        UsageError: another kind of folder, or an id that is none.
        BadInputError: tables or files that cannot be read.
    """
    look = _Folder(locate(folder))
    piece = look.named(token)
    number = look.numbers.get(piece)
    if number is None:
        return _never_a_candidate(look, piece)
    row = look.candidates.slice(number, 1).to_pylist()[0]
    children = look.children(piece)
    tables = {
        "count by round, where it changed": look.history(row),
        "made from": [look.state(parent) for parent in row["parents"]],
        "made into": [look.state(child) for child in children[:NUM_CHILDREN]],
        "neighbours in merge order": look.neighbours(number),
    }
    facts = {
        "kind": row["kind"],
        "number among the candidates": f"{number} of {len(look.candidates)}",
        "count in the first round": row["first_count"],
        "count at the end" if row["kept"] else "count when it was dropped": row["count"],
        "count of its characters": row["raw_count"],
        "cutoff": look.cutoff,
        "candidates made from it": len(children),
        **look.spellings(piece),
    }
    return look.explanation(piece, _verdict(look, piece, row), facts, tables)


def _verdict(look: "_Folder", piece: str, row: dict[str, Any]) -> str:
    if row["kept"]:
        return f"in, as id {look.ids.get(piece)}: {_KEPT.get(row['reason'], row['reason'])}"
    when = f"out, dropped in round {row['round']}" if row["round"] is not None else "out, never in"
    return f"{when}: {_DROPPED.get(row['reason'], row['reason'])}"


def _never_a_candidate(look: "_Folder", piece: str) -> Explanation:
    """A token of the base, a fixed row, or one that `expand` never had before it."""
    text, index = look.text_of(piece), look.ids.get(piece)
    if index is not None and index < look.first_id:
        return look.explanation(piece, f"in the base already, as id {index}", look.spellings(piece), {})
    if index is not None:
        new = look.new_tokens.slice(index - look.first_id, 1).to_pylist()[0]
        facts = {"kind": new["kind"], "count": new["count"], **look.spellings(piece)}
        return look.explanation(piece, f"in, as id {index}: {_KEPT.get(new['reason'], new['reason'])}", facts, {})
    verdict = f"out, never a candidate: {_why_no_candidate(look, text)}"
    nearest = [look.state(near) for near in look.nearest(text)]
    return look.explanation(piece, verdict, look.spellings(piece), {"nearest candidates": nearest})


def _why_no_candidate(look: "_Folder", text: str) -> str:
    if not is_korean_piece(text):
        return "a new token is Hangul letters only, after one space at most"
    if is_letter(text):
        return "no new token needs this letter, and the corpus has it less often than the cutoff"
    reach = _REACHED[look.config["candidates"]].format(look.config["intermediate_vocab_size"])
    return f"it is not among the {len(look.candidates):,} that {reach}"


class _Folder:
    """The tables of an `expand` folder, ready to look things up."""

    def __init__(self, folder: str) -> None:
        self.config = open_dataset(folder, TOKENIZER).config
        self.candidates = read_table(folder, CANDIDATES)
        self.new_tokens = read_table(folder, NEW_TOKENS)
        self.tokenizer = open_encoder(folder, finds_special=True)
        self.units = check_countable(self.tokenizer)
        self.tokens = [piece or "" for piece in self.tokenizer.pieces()]
        self.ids = {piece: index for index, piece in enumerate(self.tokens) if piece}
        self.first_id = self.new_tokens["id"][0].as_py() if len(self.new_tokens) else len(self.tokens)
        self.pieces: list[str] = self.candidates["piece"].to_pylist()
        self.numbers = {piece: number for number, piece in enumerate(self.pieces)}
        self.cutoff = read_report(folder).facts["cutoff"]
        self._path = folder

    def named(self, token: str) -> str:
        """The piece that the user means."""
        if token.isascii() and token.isdecimal():
            if int(token) >= len(self.tokens) or not self.tokens[int(token)]:
                raise UsageError(f"no token has the id {token}: the vocabulary has {len(self.tokens):,} ids.")
            return self.tokens[int(token)]
        if not token:
            raise UsageError("a token has at least one character.", hint="write a space as ' ' or ▁")
        return token if token in self._named_as_written else piece_of(token, self.units)

    def text_of(self, piece: str) -> str:
        """The text of a piece, U+2581 for a space."""
        return piece if piece in self._named_as_written else text_of(piece, self.units)

    @cached_property
    def _named_as_written(self) -> frozenset[str]:
        """Tokens that are not spelled as text is: special tokens, fixed rows, added tokens."""
        spellings = zip(self.tokens, self.tokenizer.spellings(), strict=True)
        return frozenset((*(piece for piece, text in spellings if text is None), *self.tokenizer.added()))

    def encode(self, tokenizer: Encoder, text: str) -> str:
        """The tokens of a text inside of a document, for people."""
        [ids] = tokenizer.encode_plain([text.replace(SPACE_MARK, " ")])
        return " ".join(f"{self.text_of(self.tokens[index])} ({index})" for index in ids)

    def explanation(
        self, piece: str, verdict: str, facts: dict[str, Any], tables: dict[str, list[dict[str, Any]]]
    ) -> Explanation:
        known = {name: value for name, value in facts.items() if value is not None}
        shown = {title: rows for title, rows in tables.items() if rows}
        return Explanation(self.text_of(piece), verdict, known, shown)

    def spellings(self, piece: str) -> dict[str, Any]:
        """How the base and the new tokenizer encode the token's text."""
        text = self.text_of(piece)
        base = self.tokenizer.first_ids(self.first_id)
        return {"spelled by the base": self.encode(base, text), "spelled now": self.encode(self.tokenizer, text)}

    def state(self, piece: str) -> dict[str, Any]:
        """A row on what became of a piece."""
        row = {"piece": self.text_of(piece), "state": "not in the tokenizer", "count": ""}
        if (number := self.numbers.get(piece)) is not None:
            found = self.candidates.slice(number, 1).to_pylist()[0]
            when = f" in round {found['round']}" if found["round"] is not None else ""
            kept = f"in, id {self.ids.get(piece)}" if found["kept"] else f"out{when}"
            return {**row, "state": f"{kept} ({found['reason']})", "count": found["count"]}
        return {**row, "state": f"in the base, id {self.ids[piece]}"} if piece in self.ids else row

    def history(self, row: dict[str, Any]) -> list[dict[str, Any]]:
        """The counts of a candidate, with what each round was about."""
        history = read_table(self._path, HISTORY)
        mine = history.filter(pc.equal(history["candidate"], pa.scalar(row["candidate"], pa.int32()))).sort_by("round")
        rounds = {this["round"]: this for this in read_table(self._path, ROUNDS).to_pylist()}
        return [
            {
                "round": this["round"],
                "phase": rounds.get(this["round"], {}).get("phase", ""),
                "tokens": rounds.get(this["round"], {}).get("tokens", ""),
                "its count": this["count"],
            }
            for this in mine.to_pylist()
        ]

    @cached_property
    def _children(self) -> dict[str, list[str]]:
        children: dict[str, list[str]] = {}
        for piece, parents in zip(self.pieces, self.candidates["parents"].to_pylist(), strict=True):
            for parent in dict.fromkeys(parents):
                children.setdefault(parent, []).append(piece)
        return children

    def children(self, piece: str) -> list[str]:
        """Candidates made from a piece: those kept first, then by falling count."""
        kept, counts = self.candidates["kept"], self.candidates["count"]
        numbers = [self.numbers[child] for child in self._children.get(piece, [])]
        numbers.sort(key=lambda i: (not kept[i].as_py(), -counts[i].as_py(), i))
        return [self.pieces[i] for i in numbers]

    def neighbours(self, number: int) -> list[dict[str, Any]]:
        """The candidates before and after one, itself between them."""
        first = max(0, number - NUM_NEIGHBOURS)
        near = range(first, min(len(self.pieces), number + NUM_NEIGHBOURS + 1))
        return [{"number": i, **self.state(self.pieces[i])} for i in near]

    def nearest(self, text: str) -> list[str]:
        """Candidates spelled like `text`, with and without a space, the likest first."""
        bare = text.lstrip(SPACE_MARK)
        other = [SPACE_MARK + bare, bare][text.startswith(SPACE_MARK)]
        texts = {self.text_of(piece): piece for piece in self.pieces}
        likest = difflib.get_close_matches(text, list(texts), NUM_NEAREST, _SIMILAR)
        names = dict.fromkeys([*([other] if other in texts else []), *likest])
        return [texts[name] for name in names][:NUM_NEAREST]
