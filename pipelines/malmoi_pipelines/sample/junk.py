"""What is wrong with raw text: each function damages a body and says what it did."""

import re
import unicodedata
from dataclasses import dataclass

from malmoi_pipelines.sample.draws import Dice

EXCERPT = 60  # characters of damaged text that the truth quotes
_CONTROLS = ("\u0007", "\u0008", "\u001b", "\u200b", "\u200c", "\u2060", "\ufeff", "\u00ad", "\u0085")
_MASKS = ("<|tell|>", "<|acc|>", "<|rrn|>")
_SENTENCE_END = re.compile(r"[.!?~]\s")


@dataclass(frozen=True)
class Damage:
    """A damaged body, the name of the damage, the string to be found in it, and what a repair should give there."""

    body: str
    form: str
    text: str
    clean: str | None = None


def insert_sentence(body: str, sentence: str, fraction: float) -> str:
    """Put a sentence behind a sentence of the body, about `fraction` of the way through."""
    places = [match.end() for match in _SENTENCE_END.finditer(body)]
    if not places:
        return f"{body} {sentence}"
    place = places[int(fraction * len(places))]
    return f"{body[:place]}{sentence} {body[place:]}"


def mojibake(body: str, dice: Dice) -> Damage:
    """UTF-8 bytes read as Latin-1 or Windows-1252."""
    form = dice.choice(("latin-1", "windows-1252"))
    read = _latin1 if form == "latin-1" else _windows_1252
    quoted = body[:EXCERPT].splitlines()[0].strip()
    return Damage("\n".join(map(read, body.split("\n"))), form, read(quoted), quoted)


def _latin1(text: str) -> str:
    return text.encode().decode("latin-1")


def _windows_1252(text: str) -> str:
    """As browsers do it: the five bytes that Windows-1252 leaves undefined become control characters."""
    return "".join(bytes([b]).decode("cp1252", "ignore") or chr(b) for b in text.encode())


def nfd(body: str, _dice: Dice) -> Damage:
    """Hangul in conjoining letters, as some file systems and exports give it."""
    quoted = body[:EXCERPT].strip()
    return Damage(unicodedata.normalize("NFD", body), "nfd", unicodedata.normalize("NFD", quoted), quoted)


def control(body: str, dice: Dice) -> Damage:
    """Control or zero-width characters inside words."""
    character = dice.choice(_CONTROLS)
    place = dice.between(1, max(1, min(len(body) - 1, EXCERPT)))
    places = sorted({place, *(dice.between(place, len(body)) for _ in range(dice.below(6)))})
    parts = [body[a:b] for a, b in zip([0, *places], [*places, len(body)], strict=True)]
    left = body[max(0, place - 8) : place]
    return Damage(character.join(parts), f"U+{ord(character):04X}", left + character, left)


def html(body: str, dice: Dice) -> Damage:
    """Tags and entities left over from a page."""
    words = body.split(" ")
    middle = len(words) // 2
    form, text, changed = dice.choice(
        (
            (
                "paragraph",
                "<p>",
                ["<p>" + words[0], *words[1:-1], words[-1] + "</p>"] if len(words) > 1 else ["<p>", *words],
            ),
            ("break", "<br />", [*words[:middle], "<br />" + words[middle], *words[middle + 1 :]]),
            ("entity", "&nbsp;", [*words[:middle], "&nbsp;&nbsp;" + words[middle], *words[middle + 1 :]]),
            ("quote", "&quot;", [*words[:middle], f"&quot;{words[middle]}&quot;", *words[middle + 1 :]]),
            (
                "link",
                '<a href="/list?page=2">',
                [*words[:middle], f'<a href="/list?page=2">{words[middle]}</a>', *words[middle + 1 :]],
            ),
            ("block", '<div class="content">', ['<div class="content">' + words[0], *words[1:], "</div>"]),
        )
    )
    return Damage(" ".join(changed), form, text)


def too_short(body: str, dice: Dice) -> Damage:
    """A document of a word, of one letter repeated, or of punctuation."""
    form = dice.choice(("word", "letter", "punctuation"))
    text = {
        "word": body.split(maxsplit=1)[0][:8],
        "letter": dice.choice("ㅋㅎㅠㅜ") * dice.between(2, 8),
        "punctuation": dice.choice("!?.~") * dice.between(1, 8),
    }[form]
    return Damage(text, form, text)


def literal_mask(body: str, dice: Dice) -> Damage:
    """A mask token that was in the text before any masking."""
    text = dice.choice(_MASKS)
    return Damage(insert_sentence(body, f"{text} 로 가린 글입니다.", 0.5), text, text)


DAMAGES = {
    "mojibake": mojibake,
    "nfd": nfd,
    "control": control,
    "html": html,
    "too_short": too_short,
    "literal_mask": literal_mask,
}


def truncated(line: bytes, dice: Dice) -> tuple[bytes, str, str]:
    """A JSON line cut in the middle: the line, the form and its last characters."""
    start = line.index(b'"text":"') + 8
    kept = line[: dice.between(start + 4, max(start + 4, len(line) - 4))].decode("utf-8", "ignore").rstrip("\\")
    return kept.encode(), "cut", kept[-20:]


def invalid_utf8(line: bytes, dice: Dice) -> tuple[bytes, str, str]:
    """A line with bytes that are no UTF-8: the line, the form and the bytes around the spot in hexadecimal."""
    form, wrong = dice.choice(
        (("stray_byte", b"\xff"), ("lone_continuation", b"\x80\x80"), ("cut_syllable", b"\xea\xb0"))
    )
    place = line.index(b'"text":"') + 8
    return line[:place] + wrong + line[place:], form, (line[place - 4 : place] + wrong + line[place : place + 3]).hex()
