"""Second-order hidden Markov tagger (Brants 2000, TnT) whose states are tags and, for frequent words, a tag with its word.

argmax over t1 .. tn of  product of p(s_i | tag of s_i-2, s_i-1) p(w_i | s_i),      p(w | s) ~ P(tag | w) / P(s)

A frequent word w has a state of its own for each of its tags (Pla and Molina 2004, lexicalised states), so what follows 'that'
as a pronoun differs from what follows other pronouns. P(tag | w) is suffixes.py, the transitions are trigram_tables.py.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hornbook.core.artifact import require_space
from hornbook.core.config import from_dict, to_dict
from hornbook.core.errors import ContentError, UsageError, translate
from hornbook.core.events import Event, Note
from hornbook.statistical.records import read_record
from hornbook.statistical.suffixes import Lexicon, SuffixConfig, TagCounts, fold
from hornbook.statistical.tensors import save_tensors

if TYPE_CHECKING:
    from hornbook.sequences import Chain
    from hornbook.statistical.trigram_tables import TransitionCounts

MODEL_TYPE = "hornbook-hmm-tagger"
TagScheme: TypeAlias = Literal["none", "bio", "iob1", "bioes", "bmes"]

_WEIGHTS, _STRINGS = "model.safetensors", "vocabulary.json"
_TABLES = ("words", "folded", "suffixes")
_LARGEST_TABLE = 32_000_000  # transition probabilities, 128 MB
_ALWAYS = "OS"  # labels that may follow any whole span
_IN_BIO = {"E": "I", "S": "B"}


@dataclass(frozen=True)
class TaggerConfig:
    """`lexical_words` frequent words get states of their own where they have a tag at least `lexical_count` times.

    `scheme` names the span labels, of which only legal sequences are then given. 'bio' and 'iob1' are learned as BIOES, which
    tells the last and the only word of a span from the others, and answered in BIO.
    Tags less probable than `prune` times the best one of a word are not tried. `bigram_weight` and `trigram_weight` smooth the
    transitions. `threads` of tagging; 0 takes every core.
    """

    scheme: TagScheme = "none"
    lexical_words: int = 150
    lexical_count: int = 5
    bigram_weight: float = 3.0
    trigram_weight: float = 5.0
    prune: float = 1e-4
    threads: int = 1
    suffixes: SuffixConfig = field(default_factory=SuffixConfig)

    def __post_init__(self) -> None:
        weights = {
            "bigram_weight": self.bigram_weight,
            "trigram_weight": self.trigram_weight,
            "suffix_weight": self.suffixes.suffix_weight,
            "folded_weight": self.suffixes.folded_weight,
            "word_weight": self.suffixes.word_weight,
        }
        for name, value in weights.items():
            if not 0 < value < float("inf"):
                raise UsageError("{name} = {value}: choose a number above 0", name=name, value=value)


class HmmTagger:
    """A Predictor of tags: `tag(sentences)`, also by calling it. `labels_` are its tags, `words_` the words it has seen."""

    def __init__(self, config: TaggerConfig | None = None) -> None:
        self.config = config or TaggerConfig()
        self.tokens_ = 0
        self._labels: tuple[str, ...] = ()
        self._trained: _Trained | None = None

    @property
    def labels_(self) -> tuple[str, ...]:
        """The tags it gives, sorted."""
        return tuple(sorted({_answer(label, self.config.scheme) for label in self._labels}))

    @property
    def words_(self) -> tuple[str, ...]:
        """The words of the training text, sorted; UsageError before `fit`."""
        return self._model.lexicon.words.strings

    @property
    def parameters(self) -> int:
        """Counts the model is made of."""
        model = self._model
        tables = (model.lexicon.words, model.lexicon.folded, model.lexicon.suffixes)
        return sum(table.counts.size for table in tables) + int(model.transitions.counts.size)

    def fit(
        self, sentences: Iterable[tuple[Sequence[str], Sequence[str]]], *, log: Callable[[Event], None] | None = None
    ) -> Self:
        """Count (tokens, tags) sentences. ContentError without any token, ValueError where their numbers differ."""
        from hornbook.statistical.trigram_tables import TransitionCounts

        pairs = [(list(tokens), list(tags)) for tokens, tags in sentences]
        if any(len(tokens) != len(tags) for tokens, tags in pairs):
            raise ValueError("every token needs one tag")
        pairs = [pair for pair in pairs if pair[0]]
        if not pairs:
            raise ContentError("there are no tagged words to learn from")
        pairs = self._legal(pairs, log or (lambda event: None))
        self._labels = tuple(sorted({tag for _, tags in pairs for tag in tags}))
        self.tokens_ = sum(len(tokens) for tokens, _ in pairs)
        number = {tag: i for i, tag in enumerate(self._labels)}
        numbered = [(tokens, [number[tag] for tag in tags]) for tokens, tags in pairs]
        lexical = self._lexical_states(numbered)
        state = {pair: len(self._labels) + i for i, pair in enumerate(lexical)}
        paths = [
            np.array([state.get((tag, fold(token)), tag) for token, tag in zip(tokens, tags)], dtype=np.int64)
            for tokens, tags in numbered
        ]
        groups = self._groups(lexical, Counter(tag for _, tags in numbered for tag in tags))
        lexicon = Lexicon.of(numbered, len(self._labels), self.config.suffixes)
        self._trained = _Trained(self, lexicon, lexical, TransitionCounts.of(paths, groups))
        return self

    def tag(self, sentences: Sequence[Sequence[str]]) -> list[list[str]]:
        """The best tags of each sentence, one a token. TypeError names a token that is not text."""
        model = self._model
        return model.tag(sentences)

    def __call__(self, sentences: Sequence[Sequence[str]]) -> list[list[str]]:
        """The same."""
        return self.tag(sentences)

    def save_files(self, folder: Path) -> None:
        """Write config.json, vocabulary.json and model.safetensors into an existing folder. Raises DiskFullError."""
        model = self._model
        strings: dict[str, list[str]] = {"labels": list(self._labels), "lexical": [form for _, form in model.lexical]}
        tensors: dict[str, NDArray[Any]] = {
            "transition_places": model.transitions.places,
            "transition_counts": model.transitions.counts,
            "lexical_tags": np.array([tag for tag, _ in model.lexical], dtype=np.int32),
            "groups": model.transitions.groups,
        }
        for name in _TABLES:
            table: TagCounts = getattr(model.lexicon, name)
            strings[name] = list(table.strings)
            tensors |= {f"{name}_offsets": table.offsets, f"{name}_tags": table.tags, f"{name}_counts": table.counts}
        text = json.dumps(strings, ensure_ascii=True)
        require_space(folder, len(text) + sum(array.nbytes for array in tensors.values()) + 8192, what="tagger")
        (folder / _STRINGS).write_text(text + "\n", "utf-8")
        save_tensors(tensors, folder / _WEIGHTS)
        record = {
            "model_type": MODEL_TYPE,
            "config": to_dict(self.config),
            "tokens": self.tokens_,
            "entries": {name: int(getattr(model.lexicon, name).counts.size) for name in _TABLES},
            "transitions": int(model.transitions.counts.size),
        }
        (folder / "config.json").write_text(json.dumps(record, indent=1) + "\n", "utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a saved tagger. ContentError names the file that is damaged or does not fit the others."""
        from hornbook.statistical.tagger_files import load_counts

        path = folder / "config.json"
        record = read_record(path, MODEL_TYPE, {"config": dict, "tokens": int, "entries": dict, "transitions": int})
        tagger = cls(from_dict(TaggerConfig, record["config"], where=str(path), prefix="config."))
        parts = load_counts(folder, record, tagger.config.suffixes)
        tagger._labels, tagger.tokens_ = parts.labels, record["tokens"]
        tagger._trained = _Trained(tagger, parts.lexicon, parts.lexical, parts.transitions)
        return tagger

    @property
    def _model(self) -> _Trained:
        if self._trained is None:
            raise UsageError("this tagger is not trained: call fit, or load a saved one")
        return self._trained

    def _legal(
        self, pairs: list[tuple[list[str], list[str]]], log: Callable[[Event], None]
    ) -> list[tuple[list[str], list[str]]]:
        """BIO labels made legal and spelled as BIOES; ContentError for labels that the scheme does not know."""
        from hornbook.sequences.labels import to_bio, to_bioes

        scheme = self.config.scheme
        if scheme not in ("bio", "iob1"):
            return pairs
        try:
            changed = sum(a != b for _, tags in pairs for a, b in zip(tags, to_bio(tags, scheme)))
            legal = [(tokens, to_bioes(tags, scheme)) for tokens, tags in pairs]
        except ValueError as error:
            raise ContentError("the labels are not {scheme}: {error}", scheme=scheme, error=error) from error
        if changed:
            text = translate("{changed} labels were read as the beginning of a span: they continue none")
            log(Note(text.format(changed=changed)))
        return legal

    def _lexical_states(self, numbered: Sequence[tuple[Sequence[str], Sequence[int]]]) -> tuple[tuple[int, str], ...]:
        """(tag, folded word) pairs with states of their own, as many as the transition table has room for."""
        counts = Counter((tag, fold(token)) for tokens, tags in numbered for token, tag in zip(tokens, tags))
        totals: Counter[str] = Counter()
        for (_, form), count in counts.items():
            totals[form] += count
        frequent = sorted(totals, key=lambda form: (-totals[form], form))[: self.config.lexical_words]
        chosen = set(frequent)
        pairs = [pair for pair, count in counts.items() if pair[1] in chosen and count >= self.config.lexical_count]
        rank = {form: i for i, form in enumerate(frequent)}
        tags = len(self._labels)
        room = int((_LARGEST_TABLE / min(tags + 1, 64)) ** 0.5) - tags - 1
        return tuple(sorted(pairs, key=lambda pair: (rank[pair[1]], pair[0]))[: max(room, 0)])

    def _groups(self, lexical: Sequence[tuple[int, str]], frequency: Counter[int]) -> NDArray[np.int32]:
        """The tag of each state; of very many tags, only the most frequent stand alone two words back."""
        tags = len(self._labels)
        room = max(int(_LARGEST_TABLE / (tags + len(lexical) + 1) ** 2) - 2, 1)
        order = sorted(range(tags), key=lambda tag: (-frequency[tag], tag))
        group = {tag: min(rank, room) for rank, tag in enumerate(order)}
        boundary = min(tags, room + 1)
        return np.array([*(group[tag] for tag in range(tags)), *(group[tag] for tag, _ in lexical), boundary], dtype=np.int32)


class _Trained:
    """What tagging needs, derived from the counts."""

    def __init__(
        self, tagger: HmmTagger, lexicon: Lexicon, lexical: tuple[tuple[int, str], ...], transitions: TransitionCounts
    ) -> None:
        config, labels = tagger.config, tagger._labels
        self.lexicon, self.lexical, self.transitions = lexicon, lexical, transitions
        self._threads, self._prune = config.threads, config.prune
        tag_of = [*range(len(labels)), *(tag for tag, _ in lexical)]
        self._names = [_answer(labels[tag], config.scheme) for tag in tag_of]
        self._state_of = {pair: len(labels) + i for i, pair in enumerate(lexical)}
        self._lexical_forms = {form for _, form in lexical}
        self._log_states = np.log(transitions.state_shares())
        spans = config.scheme != "none"
        self._always = np.array([spans and label[:1] in _ALWAYS for label in labels], dtype=np.bool_)
        self._table = transitions.log_table(
            strength=(config.bigram_weight, config.trigram_weight), rules=_rules([labels[tag] for tag in tag_of], config.scheme)
        )
        self._known = self._entries(lexicon.known_shares(), lexicon.words.strings)

    def tag(self, sentences: Sequence[Sequence[str]]) -> list[list[str]]:
        from hornbook.core.runtime import available_cores
        from hornbook.sequences import Candidates, viterbi_second_order
        from hornbook.sequences.chain import starts_of
        from hornbook.statistical.tagger_kernels import gather

        starts = starts_of([len(sentence) for sentence in sentences])
        entries, unknown = self._look_up(sentences, starts)
        states, scores, offsets = self._known
        if unknown:
            shares = self.lexicon.unknown_shares(unknown)
            more_states, more_scores, more_offsets = self._entries(shares, [word for word, _ in unknown])
            states, scores = np.concatenate([states, more_states]), np.concatenate([scores, more_scores])
            offsets = np.concatenate([offsets, offsets[-1] + more_offsets[1:]])
        candidates = Candidates(*gather(entries, states, scores, offsets))
        threads = self._threads or available_cores()
        path, _ = viterbi_second_order(candidates, starts, self._table, groups=self.transitions.groups, threads=threads)
        names = self._names
        flat = [names[state] for state in path.tolist()]
        return [flat[begin:end] for begin, end in zip(starts[:-1].tolist(), starts[1:].tolist())]

    def _look_up(
        self, sentences: Sequence[Sequence[str]], starts: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], list[tuple[str, bool]]]:
        """The entry of every token: that of its word, or one of the unknown words (and whether they begin a sentence)."""
        place = self.lexicon.place.get
        flat = [word for sentence in sentences for word in sentence]
        entries = np.array([place(word, -1) for word in flat], dtype=np.int64)
        firsts = set(starts.tolist())
        new: dict[tuple[str, bool], int] = {}
        known = len(self.lexicon.words.strings)
        for position in np.flatnonzero(entries < 0).tolist():
            word = flat[position]
            if not isinstance(word, str):
                sentence = int(np.searchsorted(starts, position, side="right")) - 1
                raise TypeError(f"sentence {sentence}: a token is text, not {type(word).__name__}")
            entries[position] = known + new.setdefault((word, position in firsts), len(new))
        return entries, list(new)

    def _entries(
        self, shares: NDArray[np.float64], words: Sequence[str]
    ) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.int64]]:
        """Candidate states of words, their scores log P(tag | word) - log P(state), and offsets; (words, tags) -> flat."""
        keep = (shares > self._prune * shares.max(axis=1, keepdims=True, initial=0.0)) | self._always
        rows, tags = np.nonzero(keep)
        states = tags.astype(np.int32)
        offsets = np.concatenate([[0], np.cumsum(keep.sum(axis=1))]).astype(np.int64)
        for row, word in enumerate(words):
            if (form := fold(word)) in self._lexical_forms:
                for place in range(offsets[row], offsets[row + 1]):
                    states[place] = self._state_of.get((int(tags[place]), form), states[place])
        scores = np.log(shares[rows, tags]) - self._log_states[states]
        return states, scores.astype(np.float32), offsets


def _rules(names: Sequence[str], scheme: TagScheme) -> Chain | None:
    """The legal steps between states; ContentError when the labels do not belong to the scheme."""
    from hornbook.sequences import legal_chain

    if scheme == "none":
        return None
    try:
        return legal_chain(names, "bmes" if scheme == "bmes" else "bioes")
    except ValueError as error:
        raise ContentError("the labels are not {scheme}: {error}", scheme=scheme, error=error) from error


def _answer(label: str, scheme: TagScheme) -> str:
    """A label as the user spells it."""
    return _IN_BIO.get(label[:1], label[:1]) + label[1:] if scheme in ("bio", "iob1") else label
