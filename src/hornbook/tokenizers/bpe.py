"""Byte-level byte pair encoding (Sennrich et al. 2016; byte level after GPT-2), learned over characters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tokenizers import models

from hornbook.tokenizers.alphabet import SPECIAL_TOKENS, byte_symbols, spell
from hornbook.tokenizers.config import TokenizerConfig
from hornbook.tokenizers.pieces import count_characters, learn_merges


@dataclass(frozen=True)
class Merges:
    """Byte-level BPE: every vocabulary entry in id order, and the merges in the order in which they apply."""

    names: list[str]
    merges: list[tuple[str, str]]


def numbered(names: Iterable[str]) -> dict[str, int]:
    """Entry -> id, in order."""
    return {name: index for index, name in enumerate(names)}


def learn_bpe(sample: Sequence[str], config: TokenizerConfig) -> models.Model:
    """The BPE model of a sample."""
    learned = learn_byte_merges(sample, config, size=config.size)
    return models.BPE(numbered(learned.names), learned.merges)


def learn_byte_merges(sample: Sequence[str], config: TokenizerConfig, *, size: int) -> Merges:
    """Merges for at most `size` entries: bytes into the frequent characters first, then characters into pieces.

    The bytes of a character only ever merge with each other (a lead byte and its followers occur nowhere else), so these
    merges come first without changing what the learned ones see. At most half of the room goes to characters.
    """
    symbols = byte_symbols()
    names = [*SPECIAL_TOKENS.values(), *symbols]
    known = set(names)
    merges: list[tuple[str, str]] = []
    characters = count_characters(sample, lowercase=config.lowercase)
    room = (size - len(names)) // 2
    kept: set[str] = set()
    for character in characters.frequent(room):
        spelled = spell(character, symbols)
        steps = [(spelled[:end], spelled[end]) for end in range(1, len(spelled)) if spelled[: end + 1] not in known]
        if len(steps) > room:
            break
        room -= len(steps)
        kept.add(character)
        for left, right in steps:
            merges.append((left, right))
            names.append(left + right)
            known.add(left + right)
    dropped = {text for text in characters.texts if not text.isascii()} - kept
    wanted = size - len(names)
    learned = learn_merges(
        sample,
        config.kind,
        count=wanted + wanted // 10 + 100,  # some are dropped or make a piece that is already there
        alphabet=len(characters.texts),
        lowercase=config.lowercase,
    )
    for left, right in learned:
        if not dropped.isdisjoint(left + right):
            continue
        pair = spell(left, symbols), spell(right, symbols)
        if (piece := "".join(pair)) not in known:
            if len(names) == size:
                break
            names.append(piece)
            known.add(piece)
        merges.append(pair)
    return Merges(names, merges)
