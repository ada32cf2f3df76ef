"""The model card, `README.md`: what the tokenizer is, how to load it, and what it was made from.

Everything in it comes from the facts of the run; equal facts, equal bytes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from malmoi_pipelines.contracts.report import markdown_table

from malmoi_tokenizer_lab.gates.loaders import TRANSFORMERS_CLASSES

UNKNOWN_LICENSE = (
    "The licence of the base tokenizer is not known to malmoi: look it up before you publish this folder, which holds "
    "all of the base's pieces."
)

_LOADING = """\
```python
from transformers import AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("PATH")  # or PreTrainedTokenizerFast
```"""

_TWO_FILES = """\
`tokenizer.model` (SentencePiece) and `tokenizer.json` (tokenizers, transformers) encode every text alike; neither was
converted from the other. Do not let a library convert one into the other: it would lose the order of merges."""

_INITIALISATION = """\
`data/new_tokens.parquet` has one row a new token. `base_ids` is its spelling by the base tokenizer: start its input
embedding as the mean of those rows, and its output row as that of the first of them. Masks and reserved rows have a
spelling, too. Resize with `mean_resizing=False`, or transformers overwrites what you set."""


def make_card(
    facts: Mapping[str, Any],
    evaluation: Sequence[Mapping[str, Any]],
    config: Mapping[str, Any],
    *,
    sentencepiece: bool = True,
) -> bytes:
    """The card as Markdown.

    Args:
        facts: figures of the run, in the order to show; `base` (its name), `license` (None: unknown) and `masks` are
            said in words and may be missing. Those of transformers are left out: they say what was installed.
        evaluation: rows with equal keys, such as tokens an eojeol by source, base and extension.
        config: the settings of the run.
        sentencepiece: the folder has a `tokenizer.model`.
    """
    told = ("base", "license", "masks")
    figures = [
        {"figure": name, "value": value}
        for name, value in facts.items()
        if name not in told and not name.endswith(TRANSFORMERS_CLASSES)
    ]
    sections = [
        ("Figures", markdown_table(figures) if figures else ""),
        ("Use", f"{_LOADING}\n\n{_TWO_FILES}" if sentencepiece else _LOADING),
        ("Evaluation", markdown_table([dict(row) for row in evaluation]) if evaluation else ""),
        ("Masks", _masks(facts.get("masks") or ())),
        ("New embeddings", _INITIALISATION),
        ("Settings", f"```yaml\n{yaml.safe_dump(_plain(config), allow_unicode=True, sort_keys=True)}```"),
        ("Licence", _license(facts.get("license"))),
    ]
    parts = [_front_matter(facts.get("license")), "# Korean extension of a tokenizer", _summary(_base_name(facts))]
    parts += [f"## {title}\n\n{text}" for title, text in sections if text]
    return ("\n\n".join(parts) + "\n").encode()


def _front_matter(license_name: str | None) -> str:
    # A licence of the base is told in words: it need not be that of the whole, which its author chooses.
    tags = {"language": ["ko", "en"], "library_name": "transformers", "tags": ["tokenizer", "korean"]}
    if license_name is None:
        tags["license"] = "unknown"
    return f"---\n{yaml.safe_dump(tags, sort_keys=True)}---"


def _base_name(facts: Mapping[str, Any]) -> str:
    """The base's name; of a path its last part, since the card must not tell of the machine."""
    name = str(facts.get("base") or "the base tokenizer").rstrip("/")
    return name.rsplit("/", 1)[-1] if name.startswith(("/", "~", ".")) or "://" in name else name


def _summary(base: str) -> str:
    return (
        f"{base} with Korean tokens added by `malmoi expand`. Its own rows are unchanged: a text without Hangul and "
        "masks encodes as before. New tokens are Hangul only, and none is dead: each can be made by some text. "
        "`data/new_tokens.parquet` says why each is there; `malmoi tokenizer explain` says it of one token."
    )


def _masks(masks: Sequence[str]) -> str:
    if not masks:
        return ""
    names = ", ".join(f"`{mask}`" for mask in masks)
    return (
        f"{names} stand for masked personal data. Each is one token wherever it stands in a text. They are no special "
        "tokens: they stay when special tokens are skipped. llama.cpp puts a space after each of them, if its "
        "converter was told that they are tokens at all."
    )


def _license(name: str | None) -> str:
    if name is None:
        return UNKNOWN_LICENSE
    return f"The base tokenizer is under {name}; its pieces are part of this one."


def _plain(value: Any) -> Any:
    """Settings as YAML can write them: no tuples."""
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    return [_plain(entry) for entry in value] if isinstance(value, list | tuple) else value
