"""The leak guard: how much held-out text was also trained on (P10).

Counted per document and per paragraph: equal after NFKC and whitespace folding; equal only when case is ignored too; and
nearly equal, five-grams shared by MinHash. Held-out texts are hashed first, then training text streams past them, so memory
grows with the held-out part only: 300 bytes a document and 9 a paragraph.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hornbook.core.events import Alarm
from hornbook.core.groups import groups
from hornbook.corpus.dedup import content_hash, folded

ALARM_SHARE = 0.001
PARAGRAPH_BYTES = 48  # shorter lines ("Chapter I.", "* * *") are equal everywhere and say nothing
_AT_ONCE = 1 << 20  # characters of training text looked up together
_EXAMPLES = 5
_SHOWN = 80  # characters of an example


@dataclass(frozen=True, eq=False)
class SplitLeaks:
    """What one held-out split shares with the training split."""

    documents: int
    leaked: int  # equal to a training document
    leaked_but_for_case: int  # equal to one when case is ignored, beyond `leaked`
    near: int  # nearly equal to one, beyond both
    paragraphs: int  # of at least PARAGRAPH_BYTES
    leaked_paragraphs: int
    unseen: NDArray[np.bool_]  # (documents,) neither equal nor equal but for case: what honest scores are taken on
    examples: tuple[str, ...]  # beginnings of leaked documents

    def alarm(self, name: str) -> Alarm | None:
        """An alarm when more than 0.1 % of the documents or of the paragraphs leak."""
        seen = self.leaked + self.leaked_but_for_case
        if seen > ALARM_SHARE * self.documents or self.leaked_paragraphs > ALARM_SHARE * self.paragraphs:
            return Alarm(
                f"{name} is not unseen: {seen} of {self.documents} documents and {self.leaked_paragraphs} of {self.paragraphs} "
                f"paragraphs are in train too, {self.near} documents nearly",
                "judge by the unseen part, or remove the overlap from train",
            )
        return None

    def as_dict(self) -> dict[str, Any]:
        """Counts and examples for a report."""
        names = ("documents", "leaked", "leaked_but_for_case", "near", "paragraphs", "leaked_paragraphs")
        return {**{name: getattr(self, name) for name in names}, "examples": list(self.examples)}


def find_leaks(
    train: Iterable[str], held_out: Mapping[str, Iterable[str]], *, near: bool = True, threshold: float = 0.8
) -> dict[str, SplitLeaks]:
    """Compare held-out splits with training text, read once. Held-out texts are read twice: lists or TextSplits."""
    from hornbook.corpus.minhash import MinHasher

    hasher = MinHasher() if near else None
    guards = {name: _Guard(texts, hasher, threshold) for name, texts in held_out.items()}
    for texts in groups(train, _AT_ONCE, each=64):
        if not guards:
            break
        plain, caseless, paragraphs = _hashes(texts)
        signatures = hasher.signatures(texts) if hasher else None
        for guard in guards.values():
            guard.see(plain, caseless, paragraphs, signatures)
    return {name: guard.leaks(held_out[name]) for name, guard in guards.items()}


class _Guard:
    """One held-out split: its hashes, and which of them turned up in train."""

    def __init__(self, texts: Iterable[str], hasher: Any, threshold: float) -> None:
        parts = [_hashes(group) + ((hasher.signatures(group),) if hasher else ()) for group in groups(texts, _AT_ONCE, each=64)]
        plain, caseless, paragraphs = (
            np.concatenate([np.empty(0, np.uint64), *(part[item] for part in parts)]) for item in range(3)
        )
        self.plain, self.caseless, self.paragraphs = _Lookup(plain), _Lookup(caseless), _Lookup(paragraphs)
        self.near = _NearLookup(np.concatenate([part[3] for part in parts]), threshold) if hasher and parts else None

    def see(
        self,
        plain: NDArray[np.uint64],
        caseless: NDArray[np.uint64],
        paragraphs: NDArray[np.uint64],
        signatures: NDArray[np.uint16] | None,
    ) -> None:
        self.plain.see(plain)
        self.caseless.see(caseless)
        self.paragraphs.see(paragraphs)
        if self.near is not None and signatures is not None:
            self.near.see(signatures)

    def leaks(self, texts: Iterable[str]) -> SplitLeaks:
        equal, caseless = self.plain.hits(), self.caseless.hits()
        near = self.near.hit if self.near is not None else np.zeros(equal.size, np.bool_)
        seen = equal | caseless
        examples: list[str] = []
        if seen.any():
            leaked = (text for text, leak in zip(texts, seen.tolist(), strict=True) if leak)
            examples = [folded(text[: 4 * _SHOWN])[:_SHOWN] for text, _ in zip(leaked, range(_EXAMPLES), strict=False)]
        paragraphs = self.paragraphs.hits()
        return SplitLeaks(
            documents=equal.size,
            leaked=int(equal.sum()),
            leaked_but_for_case=int((caseless & ~equal).sum()),
            near=int((near & ~seen).sum()),
            paragraphs=paragraphs.size,
            leaked_paragraphs=int(paragraphs.sum()),
            unseen=~seen,
            examples=tuple(examples),
        )


class _Lookup:
    """Hashes in a sorted array, each with a mark."""

    def __init__(self, hashes: NDArray[np.uint64]) -> None:
        self.keys, self.places = np.unique(hashes, return_inverse=True)
        self.marks = np.zeros(self.keys.size, np.bool_)

    def see(self, hashes: NDArray[np.uint64]) -> None:
        if self.keys.size:
            places = np.minimum(np.searchsorted(self.keys, hashes), self.keys.size - 1)
            self.marks[places[self.keys[places] == hashes]] = True

    def hits(self) -> NDArray[np.bool_]:
        """For every hash as it was given, whether it was seen."""
        return self.marks[self.places]


class _NearLookup:
    """Signatures of held-out documents by band key, and which of them a training document is nearly equal to."""

    def __init__(self, signatures: NDArray[np.uint16], threshold: float) -> None:
        from hornbook.corpus.minhash import choose_bands

        self.signatures, self.threshold = signatures, threshold
        self.bands, self.rows = choose_bands(signatures.shape[1], threshold)
        keys = self._keys(signatures)
        self.orders = [np.argsort(keys[band], kind="stable") for band in range(self.bands)]
        self.keys = [keys[band][self.orders[band]] for band in range(self.bands)]
        self.hit = np.zeros(len(signatures), np.bool_)

    def see(self, signatures: NDArray[np.uint16]) -> None:
        from hornbook.corpus.minhash import similarity

        for band, keys in enumerate(self._keys(signatures)):
            first = np.searchsorted(self.keys[band], keys, side="left")
            last = np.searchsorted(self.keys[band], keys, side="right")
            for row in np.flatnonzero(last > first).tolist():
                candidates = self.orders[band][first[row] : last[row]]
                candidates = candidates[~self.hit[candidates]]
                self.hit[candidates[similarity(self.signatures[candidates], signatures[row]) >= self.threshold]] = True

    def _keys(self, signatures: NDArray[np.uint16]) -> NDArray[np.uint64]:
        from hornbook.corpus.minhash import band_keys

        keys = np.empty((self.bands, len(signatures)), np.uint64)
        band_keys(signatures, self.bands, self.rows, keys)
        return keys


def _hashes(texts: list[str]) -> tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.uint64]]:
    """64-bit hashes: of each text, of each text with case folded, and of every paragraph long enough to mean something."""
    plain = b"".join(content_hash(text)[:8] for text in texts)
    caseless = b"".join(content_hash(text.casefold())[:8] for text in texts)
    paragraphs = bytearray()
    for text in texts:
        for line in text.splitlines():
            if len(line) * 4 >= PARAGRAPH_BYTES and len(raw := folded(line).encode("utf-8", "replace")) >= PARAGRAPH_BYTES:
                paragraphs += hashlib.blake2b(raw, digest_size=8).digest()
    return tuple(np.frombuffer(bytes(raw), np.uint64) for raw in (plain, caseless, paragraphs))  # type: ignore[return-value]
