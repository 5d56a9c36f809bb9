"""Before a masked model is trained: where words begin, for masks of whole words, and a look at what will be hidden."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hornbook.core import artifact
from hornbook.core.errors import UsageError, translate
from hornbook.core.events import Event, Note
from hornbook.corpus.shards import Shards
from hornbook.recipes import Recipe
from hornbook.tasks.lessons import lesson
from hornbook.tasks.pretrain import Data

Log = Callable[[Event], None]
_SHOWN = 2  # rows
_WIDTH = 240  # characters of each


def with_word_starts(data: Data, segmenter: str, *, log: Log) -> Data:
    """The data with where words begin in it, for masks of whole words.

    `segmenter` cuts text without spaces: the folder of a saved segmenter, "rjieba", "characters", or "auto" for rjieba where
    it is installed. UsageError for anything else.
    """
    from hornbook.corpus.word_starts import add_word_starts

    segment, name, fingerprint = _segmenter(segmenter)
    texts = [data.shards] if data.replay is None else [data.shards, data.replay]
    known = [shards.words or {} for shards in texts]
    if all((words.get("segmenter"), words.get("fingerprint")) == (name, fingerprint) for words in known):
        return data
    log(Note(translate("whole words are hidden; text without spaces is cut by {segmenter}").format(segmenter=name)))

    def found(shards: Shards) -> Shards:
        return add_word_starts(shards, data.tokenizer, segment=segment, segmenter=name, fingerprint=fingerprint, log=log)

    return dataclasses.replace(data, shards=found(data.shards), replay=data.replay and found(data.replay))


def show_masks(recipe: Recipe, config: Any, data: Data, *, log: Log) -> None:
    """Log what share is hidden and the first rows of the first batch, hidden tokens marked."""
    from hornbook.corpus.mask_preview import count_masks, preview_masks

    few = dataclasses.replace(config, training=dataclasses.replace(config.training, rows=min(8, config.training.rows)))
    batch = lesson(recipe, few, data).batches[0]
    log(Note(str(count_masks(batch, data.tokenizer))))
    for row in preview_masks(batch, data.tokenizer, _SHOWN):
        line = " ".join(row.split())
        log(Note(line if len(line) <= _WIDTH else line[:_WIDTH] + " …"))


def _segmenter(name: str) -> tuple[Callable[[Sequence[str]], list[list[str]]], str, str]:
    """What cuts texts into words, its name and its fingerprint."""
    from hornbook.tokenizers.chinese import characters, segmenter

    if name in ("auto", "rjieba", "characters"):
        cut = segmenter(name)  # type: ignore[arg-type]
        found = "characters" if cut is characters else "rjieba"
        return lambda texts: [cut(text) for text in texts], found, found
    folder = Path(name)
    if not folder.is_dir():
        raise UsageError("no segmenter '{name}': give rjieba, characters, or the folder of a trained segmenter", name=name)
    from hornbook.statistical.hmm_segmenter import HmmSegmenter

    artifact.verify(folder)
    return HmmSegmenter.load(folder).segment_many, str(folder), artifact.sha256(folder / artifact.MANIFEST)
