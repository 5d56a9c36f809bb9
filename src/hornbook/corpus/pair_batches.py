"""Pairs of segments for BERT's second loss: does the second follow the first, or are the two in order?

Devlin et al. (2019, appendix A.2): a segment is one sentence or more; half of the second segments are the true ones, half come
from another document, and one pair in ten is shorter. Sentences end at 。！？.!? and at line ends. Other than the
original, pairs never overflow: sentences stay whole, so nothing is cut off and every token is read once an epoch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import ContentError
from hornbook.corpus.masked_batches import Blank, MaskedRows
from hornbook.corpus.masking import Masking
from hornbook.corpus.shards import ShardSplit
from hornbook.corpus.token_texts import TokenTexts
from hornbook.tokenizers.tokenizer import TextTokenizer

SHORT = 0.1
"""Share of pairs that aim at a random shorter length."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """The pairs of an epoch."""

    plan: NDArray[np.int64]  # (pairs, 5) begin and tokens of the first segment, of the second, label

    @property
    def rows(self) -> int:
        """One pair a row."""
        return len(self.plan)


class PairBatches(MaskedRows[Pairs]):
    """One pair `start first separator second end` a row, padding behind it; `segments` is 1 for `second end`.

    objective "next": label 1 when the second segment comes from another document (Devlin et al. 2019); "order": label 1 when
    the two segments have changed places (Lan et al. 2020, ALBERT, section 3.1). A last sentence that stands alone gets a
    foreign second ("next") or is cut in two ("order"; a single token: label IGNORED). Guarantee: an epoch holds every token
    of every document once; foreign second segments come on top.
    """

    def __init__(
        self,
        split: ShardSplit,
        tokenizer: TextTokenizer,
        *,
        rows: int,
        length: int,
        masking: Masking,
        seed: int,
        objective: Literal["next", "order"] = "next",
    ) -> None:
        """(B, T) = (rows, length). Reads the split once to find sentences; 8 bytes a sentence. ContentError without pairs."""
        super().__init__(split, tokenizer, rows=rows, length=length, masking=masking, seed=seed)
        self.objective = objective
        self._room = length - 3
        self._begins, self._firsts = _sentences(split, tokenizer, longest=self._room // 2)
        self._documents = np.flatnonzero(np.diff(self._firsts))
        if objective == "next" and self._documents.size < 2:
            raise ContentError(
                "pairs need a second segment from another document, and there is only one: separate documents by blank lines, "
                "or train without next-sentence prediction"
            )
        if self._begins.size - 1 == self._documents.size:
            raise ContentError(
                "no document has a second sentence, so no pair follows another: keep documents whole, "
                "or train without sentence pairs"
            )

    @property
    def fill(self) -> float:
        """Share of the places of the first epoch that are no padding."""
        plan = self._layout(0).plan
        used = plan[:, 1].sum() + plan[:, 3].sum() + 2 * len(plan) + np.count_nonzero(plan[:, 3])
        return float(used) / (len(plan) * self.length)

    @property
    def sentences(self) -> int:
        """How many sentences were found."""
        return self._begins.size - 1

    def _lay_out(self, key: int) -> Pairs:
        from hornbook.corpus.batch_kernels import derive_key, shuffled
        from hornbook.corpus.pair_kernels import plan_pairs

        documents = self._documents[shuffled(self._documents.size, derive_key(key, 1))]
        plan = np.empty((self.sentences, 5), np.int64)
        drawn = np.uint64(derive_key(key, 2))
        pairs = plan_pairs(
            self._begins, self._firsts, documents, self._room, SHORT, self.objective == "next", drawn, plan
        )  # fmt: skip
        return Pairs(plan[:pairs].copy())

    def _write(self, layout: Pairs, rows: NDArray[np.int64]) -> Blank:
        from hornbook.corpus.pair_kernels import fill_pairs

        blank = Blank(rows.size, self.length, pad=self.pad)
        blank.segments = np.zeros((rows.size, self.length), np.int64)
        blank.labels = np.empty(rows.size, np.int64)
        fill_pairs(
            self._tokens, self._words, layout.plan, rows, self.start, self.separator, self.end,
            blank.inputs, blank.documents, blank.starts, blank.segments, blank.labels,
        )  # fmt: skip
        return blank


def _sentences(split: ShardSplit, tokenizer: TextTokenizer, *, longest: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(sentences + 1,) where sentences begin in the tokens, and (docs + 1,) the first sentence of each document."""
    from hornbook.corpus.batches import read_only
    from hornbook.corpus.pair_kernels import find_sentences

    texts = TokenTexts.of(tokenizer)
    tokens, starts = read_only(split.tokens), read_only(split.starts)
    kinds, spaced = texts.sentence_kinds(), texts.spaced
    firsts = np.zeros(starts.size, np.int64)
    count = find_sentences(tokens, starts, kinds, spaced, longest, np.empty(0, np.int64), firsts)
    begins = np.empty(count + 1, np.int64)
    find_sentences(tokens, starts, kinds, spaced, longest, begins, firsts)
    return begins, firsts
