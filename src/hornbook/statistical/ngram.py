"""N-gram language model; interpolated modified Kneser-Ney smoothing by default. Order 1 is the unigram baseline."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from hornbook.core.config import from_dict, to_dict
from hornbook.core.errors import ContentError, UsageError
from hornbook.core.events import Event
from hornbook.core.groups import groups
from hornbook.core.types import Ids, NextScores, Tokenizer, TokenScores
from hornbook.statistical.ngram_config import NgramConfig as NgramConfig
from hornbook.statistical.ngram_config import least_memory, piece_tokens
from hornbook.statistical.ngram_config import memory_needed as memory_needed
from hornbook.statistical.stream import FlatDocuments, check_ids, flatten, lay_out

if TYPE_CHECKING:
    from hornbook.statistical.counts import Level
    from hornbook.statistical.storage import Storage
    from hornbook.statistical.trie import Trie

MODEL_TYPE = "hornbook-ngram"
NEVER_PREDICTED = ("pad", "start", "mask", "separator")
_WEIGHTS = "model.safetensors"
_TOKENS_PER_CALL = 1 << 22  # scored together: 17 MB of stream


@dataclass(frozen=True)
class NgramState:
    """The last ids of each row; the boundary before a document counts as one of them."""

    context: NDArray[np.int64]  # (B, order - 1), newest last
    lengths: NDArray[np.int64]  # (B,) how many of them, counted from the right, are there


class NgramLM:
    """A LanguageModel. `fit` sets `trie_`, `discounts_` (order, 3) and `tokens_`, the predicted tokens it was trained on.

    p(.|context) sums to 1 over the ids of the tokenizer: unseen ids share what the unigram discounts free, equally; pad, start,
    mask and separator have probability 0 (log -228, a finite number) unless the training text itself contains them. Stupid
    backoff alone is not normalised: it has `score`, and `start` and `step` for generation, but no `log_probs`.
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

        Raises ContentError when an id is outside the vocabulary, UsageError when `memory_mb` is too small for the text even in
        pieces, DiskFullError when the pieces find no room in the folder for temporary files.
        """
        from hornbook.statistical.counts import mark_rare
        from hornbook.statistical.interpolate import Settings
        from hornbook.statistical.smoothing import SMOOTHINGS
        from hornbook.statistical.trie import assemble, compact

        report = log or (lambda event: None)
        tokens, starts = flatten(documents)
        levels, storage = self._count(tokens, starts, report)
        size = self._tokenizer.size
        self.tokens_ = int(tokens.size + starts.size - 1)
        seen = levels[0].counts[:size] > 0
        predictable = np.ones(size, dtype=np.bool_)
        never = self._never_predicted()
        predictable[never] = seen[never]
        mark_rare(levels, self.config.minimum_of_each_order())
        occurrences = compact([level.counts for level in levels], storage)
        one, two, three = self.config.fallback_discounts
        settings = Settings(predictable, (one, two, three), self.config.pseudo_count, storage, report)
        smoothed, self.discounts_ = SMOOTHINGS[self.config.smoothing](levels, settings)
        self._trie = self._reduce(assemble(levels, smoothed, occurrences, storage))
        return self

    def use(self, trie: Trie) -> Self:
        """Take n-grams that were made elsewhere (read from an ARPA file, pruned); their order must be the configuration's."""
        self._trie, self.discounts_, self.tokens_ = trie, np.zeros((self.config.order, 3)), self.tokens_
        return self

    @property
    def normalised(self) -> bool:
        """Whether scores are probabilities: without it there is no perplexity and no bits per byte."""
        return self.config.smoothing != "stupid-backoff"

    def log_probs(self, documents: Sequence[Ids]) -> list[TokenScores]:
        """(len + 1,) natural logs per document: its tokens, then `end`.

        ContentError on an id outside the vocabulary; UsageError for stupid backoff, whose scores are no probabilities.
        """
        if not self.normalised:
            raise UsageError("stupid backoff gives scores, not probabilities: no perplexity or bits per byte. Use `score`.")
        scores: list[TokenScores] = []
        for part in groups(documents, _TOKENS_PER_CALL):
            flat, starts = self.score_documents(part)
            scores += np.split(flat, starts[1:-1])
        return scores

    def score_documents(self, documents: Iterable[Ids] | FlatDocuments) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """The scores of all documents in one array, natural logs, and where those of each document start (documents + 1,).

        The fastest way to score much text. For stupid backoff they are scores, not probabilities.
        """
        tokens, starts = flatten(documents)
        size, end = self.trie_.vocabulary_size, self._tokenizer.specials["end"]
        stream = lay_out(tokens, starts, vocabulary_size=size, end=end)
        return self._score_stream(stream, tokens.size + starts.size - 1), starts + np.arange(starts.size)

    def score(self, sentence: str | Ids, *, bos: bool = True, eos: bool = True, base: float = 10.0) -> float:
        """Log to `base` of a sentence's probability, as kenlm's `score` gives it (for stupid backoff, of its score).

        `bos`: the sentence starts a document; `eos`: it ends one, and its end counts. ContentError on an unknown id.
        """
        ids = np.asarray(self._tokenizer.encode(sentence) if isinstance(sentence, str) else sentence)
        check_ids(ids, self.trie_.vocabulary_size)
        parts = [[self.trie_.vocabulary_size] if bos else [], ids, [self._tokenizer.specials["end"]] if eos else []]
        stream = np.concatenate([np.asarray(part, dtype=np.uint32) for part in parts])
        return float(self._score_stream(stream, ids.size + eos).sum(dtype=np.float64)) / math.log(base)

    def start(self, prefixes: Sequence[Ids]) -> tuple[NextScores, NgramState]:
        """(B, V) natural logs after each prefix, and the state."""
        boundary = self.trie_.vocabulary_size
        return self.after([np.append(boundary, check_ids(np.asarray(prefix, dtype=np.int64), boundary)) for prefix in prefixes])

    def after(self, contexts: Sequence[Ids]) -> tuple[NextScores, NgramState]:
        """As `start`, for contexts that say themselves whether a document starts: the boundary is the id `tokenizer.size`."""
        width = self.trie_.order - 1
        context = np.zeros((len(contexts), width), dtype=np.int64)
        lengths = np.zeros(len(contexts), dtype=np.int64)
        for row, ids in enumerate(contexts):
            read = ids[max(ids.size - width, 0) :]
            lengths[row] = read.size
            context[row, width - read.size :] = read
        return self._next_scores(NgramState(context, lengths))

    def step(self, state: NgramState, ids: Ids) -> tuple[NextScores, NgramState]:
        """(B, V) natural logs after one more id a row, and the state; `ids` is (B,)."""
        read = check_ids(np.asarray(ids, dtype=np.int64), self.trie_.vocabulary_size)
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
        next_scores(state.context, state.lengths, *trie.kernel_arrays(), scores)
        if not self.normalised:
            scores -= np.log(np.exp(scores).sum(axis=1, keepdims=True))
        return scores, state

    def _score_stream(self, stream: NDArray[np.uint32], predicted: int) -> TokenScores:
        from hornbook.statistical.query import score_stream

        trie = self.trie_
        flat = np.empty(predicted, dtype=np.float32)
        score_stream(stream, trie.vocabulary_size, trie.order, *trie.kernel_arrays(), flat)
        return flat

    def _never_predicted(self) -> list[int]:
        specials = self._tokenizer.specials
        return [specials[name] for name in NEVER_PREDICTED if name in specials and specials[name] != specials["end"]]

    def _count(self, tokens: Ids, starts: NDArray[np.int64], log: Callable[[Event], None]) -> tuple[list[Level], Storage]:
        """Occurrences of all n-grams, and where arrays of this size are to live."""
        from hornbook.statistical.counts import count_levels
        from hornbook.statistical.merge import count_in_pieces
        from hornbook.statistical.storage import Memory, Spill

        config, documents, size = self.config, starts.size - 1, self._tokenizer.size
        end = self._tokenizer.specials["end"]
        need, least = memory_needed(tokens.size, documents, config) / 1e6, least_memory(tokens.size, documents) / 1e6
        if min(need, least) > config.memory_mb:
            raise UsageError(
                "order {order} on {tokens} tokens takes {need:.0f} MB even in pieces, memory_mb is {limit}: raise it, "
                "or train on less text",
                order=config.order,
                tokens=tokens.size,
                need=min(need, least),
                limit=config.memory_mb,
            )
        storage: Storage = Memory() if need <= config.memory_mb else Spill()
        piece, length = piece_tokens(tokens.size, documents, config), tokens.size + 2 * documents
        if piece >= length:
            stream = lay_out(tokens, starts, vocabulary_size=size, end=end)
            return count_levels(stream, size, config.order, log=log), storage
        places = {"piece": piece, "threads": config.threads, "vocabulary_size": size, "end": end}
        return count_in_pieces(tokens, starts, config.order, **places, storage=storage, log=log), storage

    def _reduce(self, trie: Trie) -> Trie:
        """Pruned and quantised as the configuration asks."""
        from hornbook.statistical.prune import prune_by_entropy, prune_to_size
        from hornbook.statistical.quantise import quantise

        if self.config.prune_entropy:
            trie = prune_by_entropy(trie, self.config.prune_entropy)
        if self.config.size_mb:
            trie = prune_to_size(trie, self.config.size_mb, bits=self.config.bits)
        return quantise(trie) if self.config.bits == 8 else trie


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
