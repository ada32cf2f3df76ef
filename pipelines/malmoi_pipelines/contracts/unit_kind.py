"""The two ways in which texts are cut to units, by the names that settings and manifests give them."""

from typing import Literal

UnitKind = Literal["metaspace", "byte-level"]
"""`metaspace`: runs of Hangul, and of all else, with their leading spaces, as SentencePiece bases need them.
`byte-level`: what is safe under the patterns of byte-level bases (`malmoi_pipelines.text.units`)."""
