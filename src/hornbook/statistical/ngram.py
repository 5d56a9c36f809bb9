"""N-gram language model with interpolated modified Kneser-Ney smoothing; order 1 is the unigram baseline."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from hornbook.core.config import from_dict, to_dict
from hornbook.core.errors import ContentError, UsageError
from hornbook.core.events import Event
from hornbook.core.types import Ids, NextScores, Tokenizer, TokenScores
from hornbook.statistical.stream import FlatDocuments, check_ids, flatten, lay_out

if TYPE_CHECKING:
    from hornbook.statistical.trie import Trie

MODEL_TYPE = "hornbook-ngram"
MAX_ORDER = 16
NEVER_PREDICTED = ("pad", "start", "mask", "separator")
_WEIGHTS = "model.safetensors"
_TOKENS_PER_CALL = 1 << 22  # scored together: 17 MB of stream


@dataclass(frozen=True)
class NgramConfig:
    """An n-gram conditions on the order - 1 ids before.

    `minimum_counts` (k-th entry: fewest occurrences a k-gram needs, the last entry stands for all longer ones) makes the model
    smaller; it must not decrease. `fallback_discounts` are used for an order whose counts do not define its own. `memory_mb`
    limits training.
    """

    order: int = 5
    minimum_counts: tuple[int, ...] = (1,)
    fallback_discounts: tuple[float, ...] = (0.5, 1.0, 1.5)
    memory_mb: int = 4000

    def __post_init__(self) -> None:
        if not 1 <= self.order <= MAX_ORDER:
            raise UsageError("order = {order}: choose an n-gram order from 1 to {most}", order=self.order, most=MAX_ORDER)
        counts = self.minimum_counts
        if not counts or counts[0] != 1 or list(counts) != sorted(counts):
            raise UsageError(
                "minimum_counts = {counts}: start with 1 and do not decrease, e.g. 1,1,2", counts=",".join(map(str, counts))
            )
        discounts = self.fallback_discounts
        if len(discounts) != 3 or not all(0 < discount < i for i, discount in enumerate(discounts, start=1)):
            raise UsageError(
                "fallback_discounts = {discounts}: give three numbers, each above 0, below 1, 2 and 3",
                discounts=",".join(map(str, discounts)),
            )

    def minimum_of_each_order(self) -> tuple[int, ...]:
        """`minimum_counts` with one entry per order."""
        return (self.minimum_counts + self.minimum_counts[-1:] * self.order)[: self.order]


@dataclass(frozen=True)
class NgramState:
    """The last ids of each row; the boundary before a document counts as one of them."""

    context: NDArray[np.int64]  # (B, order - 1), newest last
    lengths: NDArray[np.int64]  # (B,) how many of them, counted from the right, are there


def memory_needed(tokens: int, documents: int, config: NgramConfig) -> int:
    """Bytes that training takes at most, which is when no n-gram above order 2 occurs twice; running text takes about half."""
    return (tokens + 2 * documents) * (40 + 32 * max(config.order - 2, 0)) + 200_000_000


class NgramLM:
    """A LanguageModel. `fit` sets `trie_`, `discounts_` (order, 3) and `tokens_`, the predicted tokens it was trained on.

    p(.|context) sums to 1 over the ids of the tokenizer: unseen ids share what the unigram discounts free, equally; pad, start,
    mask and separator have probability 0 (log -228, a finite number) unless the training text itself contains them.
    """

    def __init__(self, tokenizer: Tokenizer, config: NgramConfig | None = None) -> None:
        self.config = config or NgramConfig()
        self._tokenizer = tokenizer
        self._trie: Trie | None = None
        self.discounts_: NDArray[np.float64] = np.zeros((0, 3))
        self.tokens_ = 0

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer whose ids the model reads."""
        return self._tokenizer

    @property
    def trie_(self) -> Trie:
        """The trained n-grams; UsageError before `fit`."""
        if self._trie is None:
            raise UsageError("this n-gram model is not trained: call fit, or load a saved one")
        return self._trie

    @property
    def size_mb(self) -> float:
        """Size of the model's arrays in MB (10^6 bytes)."""
        return self.trie_.size_mb

    @property
    def parameters(self) -> int:
        """Probabilities and back-off weights."""
        return int(self.trie_.log_probs.size + self.trie_.backoffs.size)

    def fit(self, documents: Iterable[Ids] | FlatDocuments, *, log: Callable[[Event], None] | None = None) -> Self:
        """Count and smooth; any amount of text gives a model, none the uniform one.

        Raises ContentError when an id is outside the vocabulary, UsageError when `memory_mb` is too small for the text.
        """
        from hornbook.statistical.counts import count_levels
        from hornbook.statistical.kneser_ney import smooth
        from hornbook.statistical.trie import assemble

        report = log or (lambda event: None)
        tokens, starts = flatten(documents)
        self._require_memory(tokens.size, starts.size - 1)
        size, specials = self._tokenizer.size, self._tokenizer.specials
        stream = lay_out(tokens, starts, vocabulary_size=size, end=specials["end"])
        minimum = self.config.minimum_of_each_order()
        levels = count_levels(stream, size, self.config.order, minimum=minimum, log=report)
        self.tokens_ = int(stream.size - (starts.size - 1))
        del stream
        seen = levels[0].counts[:size] > 0
        never = [specials[name] for name in NEVER_PREDICTED if name in specials and specials[name] != specials["end"]]
        predictable = np.ones(size, dtype=np.bool_)
        predictable[never] = seen[never]
        one, two, three = self.config.fallback_discounts
        smoothed, self.discounts_ = smooth(levels, predictable=predictable, fallback=(one, two, three), log=report)
        self._trie = assemble(levels, smoothed)
        return self

    def log_probs(self, documents: Sequence[Ids]) -> list[TokenScores]:
        """(len + 1,) natural logs per document: its tokens, then `end`. ContentError on an id outside the vocabulary."""
        from hornbook.statistical.query import score_stream

        trie, end = self.trie_, self._tokenizer.specials["end"]
        scores: list[TokenScores] = []
        for part in _in_parts(documents):
            tokens, starts = flatten(part)
            stream = lay_out(tokens, starts, vocabulary_size=trie.vocabulary_size, end=end)
            flat = np.empty(tokens.size + len(part), dtype=np.float32)
            score_stream(
                stream, trie.vocabulary_size, trie.order, trie.words, trie.log_probs, trie.backoffs, trie.children, flat
            )
            scores += np.split(flat, (starts[1:] + np.arange(1, len(part) + 1))[:-1])
        return scores

    def start(self, prefixes: Sequence[Ids]) -> tuple[NextScores, NgramState]:
        """(B, V) natural logs after each prefix, and the state."""
        width = self.trie_.order - 1
        context = np.zeros((len(prefixes), width), dtype=np.int64)
        lengths = np.zeros(len(prefixes), dtype=np.int64)
        for row, prefix in enumerate(prefixes):
            ids = np.asarray(prefix, dtype=np.int64)
            check_ids(ids, self.trie_.vocabulary_size)
            read = np.append(self.trie_.vocabulary_size, ids)[max(ids.size + 1 - width, 0) :]
            lengths[row] = read.size
            context[row, width - read.size :] = read
        return self._next_scores(NgramState(context, lengths))

    def step(self, state: NgramState, ids: Ids) -> tuple[NextScores, NgramState]:
        """(B, V) natural logs after one more id a row, and the state; `ids` is (B,)."""
        read = np.asarray(ids, dtype=np.int64)
        check_ids(read, self.trie_.vocabulary_size)
        width = state.context.shape[1]
        context = np.concatenate([state.context, read[:, None]], axis=1)[:, 1:]
        return self._next_scores(NgramState(np.ascontiguousarray(context), np.minimum(state.lengths + 1, width)))

    def select(self, state: NgramState, rows: Sequence[int]) -> NgramState:
        """An independent copy of the given rows."""
        index = np.asarray(rows, dtype=np.int64)
        return NgramState(state.context[index], state.lengths[index])

    def save_files(self, folder: Path) -> None:
        """Write config.json, model.safetensors and the tokenizer into an existing folder. Raises DiskFullError."""
        from hornbook.statistical.trie import save_trie

        save_trie(self.trie_, folder / _WEIGHTS)
        record = {
            "model_type": MODEL_TYPE,
            "config": to_dict(self.config),
            "rows": list(self.trie_.rows),
            "discounts": self.discounts_.tolist(),
            "tokens": self.tokens_,
        }
        (folder / "config.json").write_text(json.dumps(record, indent=1) + "\n", "utf-8")
        self._tokenizer.save_pretrained(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Map a saved model into memory. ContentError names the file that is damaged or does not fit the others."""
        from hornbook.statistical.trie import load_trie
        from hornbook.tokenizers import load_tokenizer

        path = folder / "config.json"
        record = _read_record(path)
        config = from_dict(NgramConfig, record["config"], where=str(path), prefix="config.")
        rows, discounts = record["rows"], record["discounts"]
        if len(rows) != config.order or len(discounts) != config.order:
            raise ContentError("{path}: rows and discounts do not fit order {order}", path=path, order=config.order)
        model = cls(load_tokenizer(folder), config)
        if model.tokenizer.size != rows[0] - 1:
            raise ContentError(
                "{folder}: the tokenizer has {found} ids, the model {expected}: they do not belong together",
                folder=folder,
                found=model.tokenizer.size,
                expected=rows[0] - 1,
            )
        model._trie = load_trie(folder / _WEIGHTS, tuple(rows))
        model.discounts_, model.tokens_ = np.array(discounts, dtype=np.float64), record["tokens"]
        return model

    def _next_scores(self, state: NgramState) -> tuple[NextScores, NgramState]:
        from hornbook.statistical.query import next_scores

        trie = self.trie_
        scores = np.empty((state.lengths.size, trie.vocabulary_size), dtype=np.float32)
        next_scores(state.context, state.lengths, trie.words, trie.log_probs, trie.backoffs, trie.children, scores)
        return scores, state

    def _require_memory(self, tokens: int, documents: int) -> None:
        need = memory_needed(tokens, documents, self.config) / 1e6
        if need > self.config.memory_mb:
            raise UsageError(
                "order {order} on {tokens} tokens takes up to {need:.0f} MB, memory_mb is {limit}: raise it, lower the order, "
                "or train on less text",
                order=self.config.order,
                tokens=tokens,
                need=need,
                limit=self.config.memory_mb,
            )


def _read_record(path: Path) -> dict[str, Any]:
    """config.json with every key of the right kind, none missing and none extra."""
    kinds: dict[str, type] = {"model_type": str, "config": dict, "rows": list, "discounts": list, "tokens": int}
    try:
        record: Any = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ContentError("{path} is missing: the model folder is not whole", path=path) from None
    except (ValueError, RecursionError) as error:
        raise ContentError("{path} is damaged: {what}. Restore the folder or train again.", path=path, what=error) from error
    found = sorted(record) if isinstance(record, dict) else []
    wrong = [name for name, kind in kinds.items() if name not in found or not isinstance(record[name], kind)]
    wrong += [name for name in found if name not in kinds]
    if not wrong:
        wrong += [] if all(isinstance(count, int) and 0 <= count < 1 << 32 for count in record["rows"]) else ["rows"]
        wrong += [] if all(_three_numbers(entry) for entry in record["discounts"]) else ["discounts"]
        wrong += [] if record["model_type"] == MODEL_TYPE else ["model_type"]
    if wrong:
        what = f"{', '.join(wrong)} missing, unknown or of the wrong kind"
        raise ContentError("{path} is damaged: {what}. Restore the folder or train again.", path=path, what=what)
    return {name: record[name] for name in kinds}


def _three_numbers(entry: Any) -> bool:
    return isinstance(entry, list) and len(entry) == 3 and all(isinstance(number, int | float) for number in entry)


def _in_parts(documents: Sequence[Ids]) -> Iterator[list[Ids]]:
    """The documents in groups of some million tokens, so that memory does not grow with the text."""
    part: list[Ids] = []
    tokens = 0
    for document in documents:
        part.append(document)
        tokens += len(document) + 1
        if tokens >= _TOKENS_PER_CALL:
            yield part
            part, tokens = [], 0
    if part:
        yield part
