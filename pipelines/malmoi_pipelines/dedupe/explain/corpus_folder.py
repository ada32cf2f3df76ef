"""A corpus folder to look things up in, and the places where the texts that belong to it may lie.

The text of a removed document is only in the documents that dedupe read, the text of an old partner only in an earlier
corpus. Either is named by who asks, or found beside the corpus by the fingerprint in its manifest.
"""

from collections.abc import Sequence
from typing import get_args

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import MalmoiError, UsageError
from malmoi_pipelines.contracts.manifest import MANIFEST, Manifest, folders_below, has_manifest, open_dataset
from malmoi_pipelines.contracts.schemas import CORPUS, DOCUMENTS, REMOVALS
from malmoi_pipelines.dedupe.against import fingerprint_of
from malmoi_pipelines.dedupe.config import DedupeConfig
from malmoi_pipelines.dedupe.explain.look_up import Name, find_rows, find_text
from malmoi_pipelines.dedupe.normalise import Fold
from malmoi_pipelines.raw.config import InputConfig
from malmoi_pipelines.raw.documents import Documents, find_documents

INPUTS = {"documents": "the documents that dedupe read", "against": "the earlier corpora that it was given"}
"""Role in the manifest, which is the option's name, too → what it is."""


class CorpusFolder:
    """A folder that dedupe wrote; a guard, or a kill, may have left it without a manifest.

    Args:
        path: the folder.
        named: by role (`INPUTS`), inputs of dedupe in any form that `find_documents` takes.
        config: the settings, for a folder without a manifest.

    Raises:
        UsageError: there are settings and a manifest.
        BadInputError: this is no corpus, or an input that is named cannot be found.
    """

    def __init__(self, path: str, named: dict[str, Sequence[str]], config: DedupeConfig | None) -> None:
        self.path = path
        self.notes: list[str] = []
        """What could not be found or checked, and what to do about it."""
        self._manifest = _corpus_manifest(path)
        self.config = self._settings(config)
        self._inputs: dict[str, Documents | None] = {
            role: self._check(role, given) for role, given in named.items() if given
        }

    def tables(self, table: str) -> list[str]:
        """The files of a table, none if there is no such table."""
        if self._manifest is not None:
            return [files.join(self.path, info.path) for info in self._manifest.table_files(table)]
        folder = files.join(self.path, table)
        return files.list_files(folder) if files.exists(folder) else []

    def removed_text(self, name: Name, num_bytes: int) -> str | None:
        """The text of a removed document, as dedupe read it."""
        return self._text("documents", name, num_bytes)

    def partner_text(self, name: Name, old: bool) -> str | None:
        """The text of a document that another repeats."""
        if old:
            return self._text("against", name)
        if self.config.repeated_lines is None:  # else `data` holds what was left of it
            for row in find_rows(self.tables(DOCUMENTS.name), name._asdict(), ["text"]):
                return row["text"]
        return self._text("documents", name)  # with components, partners can be removed documents

    def _text(self, role: str, name: Name, num_bytes: int | None = None) -> str | None:
        if role not in self._inputs:
            self._inputs[role] = self._beside(role)
        found = self._inputs[role]
        if found is None:
            self.note(f"The text of {name.id!r} is in {INPUTS[role]}: name them with --{role} to see the diff.")
            return None
        text = find_text(found, name, num_bytes)
        if text is None:
            self.note(f"The text of {name.id!r} is not in {INPUTS[role]}: there is no diff.")
        return text

    def note(self, text: str) -> None:
        """Add to the notes, once."""
        if text not in self.notes:
            self.notes.append(text)

    def _settings(self, config: DedupeConfig | None) -> DedupeConfig:
        if self._manifest is not None:
            if config is not None:
                raise UsageError(f"{self.path} knows its settings: they cannot be given for it.")
            made = self._manifest.config
            values = {key: value for key, value in made.items() if key in DedupeConfig.model_fields}
            if made.get("signature", {}).get("signature") == 1:
                values["fold"] = get_args(Fold)  # version 1 always did
            return DedupeConfig.model_validate(values)
        self.note(f"{self.path} has no {MANIFEST}: the stage was stopped, by a guard or from outside.")
        if config is None:
            self.note("Its settings are not known. Those of --config and --set stand in, else the defaults.")
        return config or DedupeConfig()

    def _check(self, role: str, given: Sequence[str]) -> Documents:
        found, fingerprint = self._find(role, list(given))
        if self._manifest is not None and fingerprint != self._manifest.inputs.get(role):
            self.note(f"What --{role} names is not, or not exactly, {INPUTS[role]}.")
        return found

    def _beside(self, role: str) -> Documents | None:
        wanted = self._manifest.inputs.get(role) if self._manifest is not None else None
        own = files.absolute(self.path)
        beside = folders_below(own.rpartition("/")[0]) if wanted is not None else []
        for folder in beside:
            if folder == own:
                continue
            try:
                found, fingerprint = self._find(role, [folder])
            except MalmoiError:  # damaged, of another kind or version: not what we look for
                continue
            if fingerprint == wanted:
                return found
        return None

    def _find(self, role: str, given: list[str]) -> tuple[Documents, str | None]:
        """Documents, and their fingerprint as a manifest has it for their role; None of folders that are no corpora."""
        if role == "documents":
            found = find_documents(given, self.config)
            return found, found.fingerprint
        corpora = [open_dataset(folder, CORPUS) for folder in given if has_manifest(folder)]
        same = fingerprint_of(corpora) if len(corpora) == len(given) else None
        return find_documents(given, InputConfig()), same


def _corpus_manifest(path: str) -> Manifest | None:
    if not has_manifest(path) and files.is_folder(files.join(path, REMOVALS.name)):
        return None  # a guard stopped the stage, and its removals are what is asked about
    return open_dataset(path, CORPUS)
