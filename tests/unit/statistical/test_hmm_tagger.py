from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hornbook.core import artifact
from hornbook.core.errors import ContentError, HornbookError, UsageError
from hornbook.core.events import Event, Note
from hornbook.statistical.hmm_tagger import HmmTagger, TaggerConfig
from hornbook.statistical.suffixes import Lexicon, SuffixConfig, fold, shape
from hornbook.statistical.trigram_tables import TransitionCounts

Sentence = tuple[list[str], list[str]]


def treebank(seed: int, sentences: int) -> list[Sentence]:
    """Det (Adj) Noun Verb ... with regular endings; 'that' is a determiner before a noun and a pronoun before a verb."""
    random = np.random.default_rng(seed)

    def stem() -> str:
        return "".join(random.choice(list("bdfgklmnprst")) + random.choice(list("aeiou")) for _ in range(random.integers(1, 4)))

    result = []
    for _ in range(sentences):
        words, tags = [], []
        for _ in range(random.integers(1, 3)):
            subject = random.random()
            if subject < 0.3:
                words, tags = [*words, "that"], [*tags, "PRON"]
            else:
                words, tags = [*words, str(random.choice(["the", "that", "a"]))], [*tags, "DET"]
                if random.random() < 0.5:
                    words, tags = [*words, stem() + "ous"], [*tags, "ADJ"]
                words, tags = [*words, stem() + "tion"], [*tags, "NOUN"]
            words, tags = [*words, stem() + "ed"], [*tags, "VERB"]
        words, tags = [words[0].title(), *words[1:], "."], [*tags, "PUNCT"]
        result.append((words, tags))
    return result


@pytest.fixture(scope="module")
def tagger() -> HmmTagger:
    return HmmTagger().fit(treebank(1, 300))


def accuracy(tagger: HmmTagger, sentences: list[Sentence]) -> float:
    found = tagger.tag([words for words, _ in sentences])
    pairs = [(a, b) for (_, tags), answer in zip(sentences, found) for a, b in zip(tags, answer, strict=True)]
    return sum(a == b for a, b in pairs) / len(pairs)


def test_new_words_are_tagged_by_their_endings_and_known_ones_by_context(tagger: HmmTagger) -> None:
    assert accuracy(tagger, treebank(2, 100)) > 0.99
    assert tagger.tag([["That", "xyzed", "."], ["That", "xyztion", "xyzed", "."]]) == [
        ["PRON", "VERB", "PUNCT"],
        ["DET", "NOUN", "VERB", "PUNCT"],
    ]
    assert tagger([[], ["."]]) == [[], ["PUNCT"]] and tagger.tag([]) == []


def test_odd_tokens_have_tags(tagger: HmmTagger) -> None:
    odd = ["", " ", "\ud800", "猫", "12%", "A" * 10_000, "é\u0301", "\u2028"]
    (tags,) = tagger.tag([odd])
    assert set(tags) <= set(tagger.labels_) and len(tags) == len(odd)
    with pytest.raises(TypeError, match="sentence 1: a token is text, not int"):
        tagger.tag([["the"], ["the", 3]])  # type: ignore[list-item]


def test_one_batch_or_many_and_threads_give_the_same(tagger: HmmTagger) -> None:
    sentences = [words for words, _ in treebank(3, 50)]
    together = tagger.tag(sentences)
    assert together == [tagger.tag([sentence])[0] for sentence in sentences]
    assert HmmTagger(TaggerConfig(threads=3)).fit(treebank(1, 300)).tag(sentences) == together


def test_the_best_path_by_the_formula() -> None:
    """Every path of a short sentence, scored from the parts: the tagger's is the best."""
    tagger = HmmTagger(TaggerConfig(lexical_words=0, prune=0.0)).fit(treebank(4, 40))
    model = tagger._model
    words, states = ["That", "xation", "."], len(tagger.labels_)
    place, known = model.lexicon.place, model.lexicon.known_shares()
    shares = np.vstack(
        [known[place[w]] if w in place else model.lexicon.unknown_shares([(w, n == 0)])[0] for n, w in enumerate(words)]
    )
    emission = np.log(shares) - np.log(model.transitions.state_shares())
    table = model.transitions.log_table(strength=(3.0, 5.0), rules=None)
    groups = model.transitions.groups

    def score(path: tuple[int, ...]) -> float:
        padded = (states, states, *path, states)
        moves = sum(table[groups[padded[i]], padded[i + 1], padded[i + 2]] for i in range(len(path) + 1))
        return float(moves + sum(emission[n, tag] for n, tag in enumerate(path)))

    best = max(itertools.product(range(states), repeat=3), key=score)
    assert tagger.tag([words]) == [[tagger.labels_[tag] for tag in best]]


def test_transitions_are_distributions_over_legal_steps() -> None:
    from hornbook.sequences import legal_chain

    labels = ["B-X", "I-X", "O"]
    counts = TransitionCounts.of([np.array([0, 1, 2]), np.array([2])], np.arange(4, dtype=np.int32))
    free = np.exp(counts.log_table(strength=(1.0, 1.0), rules=None).astype(np.float64))
    np.testing.assert_allclose(free.sum(axis=2), 1, atol=1e-6)
    ruled = np.exp(counts.log_table(strength=(1.0, 1.0), rules=legal_chain(labels, "bio")).astype(np.float64))
    np.testing.assert_allclose(ruled.sum(axis=2), 1, atol=1e-6)
    assert (ruled[:, 2, 1] == 0).all() and (ruled[:, 3, 1] == 0).all() and (ruled[:, 0, 1] > 0).all()
    # p1(O) = (2 + .1)/(6 + .4), c(boundary O) = 1 of 2 with 2 kinds, the same after (boundary, boundary)
    p2 = (1 + 2 * 2.1 / 6.4) / 4
    assert free[3, 3, 2] == pytest.approx((1 + 2 * p2) / 4)


def test_shares_of_a_word_by_hand() -> None:
    """'Walked' once V; rare words end in d: walked V, bed N (both lower inside); k = 2 everywhere."""
    config = SuffixConfig(suffix_weight=2, folded_weight=2, word_weight=2)
    sentences = [(["x", "walked"], [0, 1]), (["x", "bed"], [0, 2]), (["x", "Walked"], [0, 1])]
    lexicon = Lexicon.of(sentences, 3, config)
    # shape l: x/0, walked/1, bed/2 (Walked is alone in its shape: what is seen once is left out). With one added: (2, 2, 2) / 6
    root = np.array([2, 2, 2]) / 6
    lower = (np.array([1, 1, 1]) + 2 * root) / 5
    d = (np.array([0, 1, 1]) + 2 * lower) / 4
    ed = (np.array([0, 1, 1]) + 2 * d) / 4
    np.testing.assert_allclose(lexicon.unknown_shares([("red", False)])[0], ed)
    np.testing.assert_allclose(lexicon.unknown_shares([("raid", False)])[0], d)
    folded = (np.array([0, 2, 0]) + 2 * ed) / 4
    np.testing.assert_allclose(lexicon.known_shares()[lexicon.place["walked"]], (np.array([0, 1, 0]) + 2 * folded) / 3)
    np.testing.assert_allclose(lexicon.unknown_shares([("99", True)])[0], root)


def test_shapes() -> None:
    words = {
        "B2B": "D",
        "1,000": "d",
        "...": "p",
        "word": "l",
        "well-known": "h",
        "USA": "U",
        "Anna": "t",
        "iPod": "M",
        "X-Y-z": "m",
    }
    assert {word: shape(word, first=False) for word in words} == words
    assert shape("Anna", first=True) == "T" and fold("Route66") == "route00"


def test_spans_are_legal_and_frequent_words_help() -> None:
    random = np.random.default_rng(5)
    names = ["".join(random.choice(list("abcdefgh"), 5)).title() for _ in range(60)]

    def sentences(count: int, pool: list[str]) -> list[Sentence]:
        result = []
        for _ in range(count):
            first, last = random.choice(pool, 2)
            if random.random() < 0.5:
                result.append((["mr", first, last, "came"], ["O", "B-PER", "I-PER", "O"]))
            else:
                result.append((["in", first, last, "rain"], ["O", "B-LOC", "B-PER", "O"]))
        return result

    tagger = HmmTagger(TaggerConfig(scheme="bio")).fit(sentences(200, names))
    assert tagger.tag([["mr", "Zuqix", "Wyz", "came"], ["in", "Zuqix", "Wyz", "rain"]]) == [
        ["O", "B-PER", "I-PER", "O"],
        ["O", "B-LOC", "B-PER", "O"],
    ]
    odd = [list(random.choice(["mr", "in", "rain", "Q", "9"], 6)) for _ in range(50)]
    for labels in tagger.tag(odd):
        for before, after in itertools.pairwise(["O", *labels]):
            assert not after.startswith("I-") or before[1:] == after[1:]


def test_iob1_is_answered_in_bio() -> None:
    notes: list[Event] = []
    data = [(["Anna", "sings"], ["I-PER", "O"]), (["in", "Rome"], ["O", "I-LOC"])] * 5
    tagger = HmmTagger(TaggerConfig(scheme="iob1")).fit(data, log=notes.append)
    assert tagger.labels_ == ("B-LOC", "B-PER", "O") and tagger.tag([["in", "Rome"]]) == [["O", "B-LOC"]]
    assert isinstance(notes[0], Note) and notes[0].text.startswith("10 labels")
    with pytest.raises(ContentError, match="not bio"):
        HmmTagger(TaggerConfig(scheme="bio")).fit([(["x"], ["PER"])])


def test_very_many_tags_fit_into_the_table() -> None:
    random = np.random.default_rng(6)
    data = [([f"w{i}" for i in row], [f"T{i}" for i in row]) for row in random.integers(0, 700, (600, 8))]
    tagger = HmmTagger().fit(data)
    assert tagger._model._table.size <= 33_000_000 and len(tagger.labels_) > 690
    assert accuracy(tagger, data[:12]) > 0.99


def test_a_tagger_beyond_the_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hornbook.statistical.memory.total_memory_mb", lambda: 1.0)
    with pytest.raises(UsageError, match="2 words and 2 tags takes .*fewer tags"):
        HmmTagger().fit([(["a", "b"], ["X", "Y"])])


@pytest.mark.parametrize("data", [[(["a"], ["X"])], [(["a"], ["X"]), ([], [])], [(["a", "b"], ["X", "Y"])] * 2], ids=str)
def test_the_smallest_texts_train(data: list[Sentence]) -> None:
    tagger = HmmTagger().fit(data)
    assert tagger.tag([["a"], ["zzz", "a"]])[0] == ["X"]
    assert all(math.isfinite(score) for score in tagger._model._known[1])


def test_wrong_use_is_refused() -> None:
    with pytest.raises(ContentError, match="no tagged words"):
        HmmTagger().fit([([], [])])
    with pytest.raises(ValueError, match="one tag"):
        HmmTagger().fit([(["a"], [])])
    with pytest.raises(UsageError, match="not trained"):
        HmmTagger().tag([["a"]])
    with pytest.raises(UsageError, match="suffix_weight"):
        TaggerConfig(suffixes=SuffixConfig(suffix_weight=0))


@pytest.fixture
def saved(tagger: HmmTagger, tmp_path: Path) -> Path:
    with artifact.writing(tmp_path / "model") as folder:
        tagger.save_files(folder)
    return tmp_path / "model"


def test_loaded_tagger_is_the_saved_one(tagger: HmmTagger, saved: Path) -> None:
    artifact.verify(saved)
    again = HmmTagger.load(saved)
    assert again.config == tagger.config and again.labels_ == tagger.labels_ and again.words_ == tagger.words_
    assert again.parameters == tagger.parameters > 0 and again.tokens_ == tagger.tokens_
    np.testing.assert_array_equal(again._model._table, tagger._model._table)
    sentences = [words for words, _ in treebank(9, 50)]
    assert again.tag(sentences) == tagger.tag(sentences)
    with artifact.writing(saved.parent / "again") as folder:
        again.save_files(folder)
    for name in ("config.json", "vocabulary.json", "model.safetensors"):
        assert (saved.parent / "again" / name).read_bytes() == (saved / name).read_bytes()


def strings(edit: Callable[[dict[str, list[str]]], object]) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        content = json.loads((folder / "vocabulary.json").read_text())
        edit(content)
        (folder / "vocabulary.json").write_text(json.dumps(content))

    return change


def tensor(name: str, edit: Callable[[np.ndarray], object]) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        from safetensors.numpy import load_file, save_file

        tensors = load_file(folder / "model.safetensors")
        edit(tensors[name])
        save_file(tensors, folder / "model.safetensors")

    return change


def record(**changes: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        content = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**content, **changes}))

    return change


def put(index: int, value: int) -> Callable[[np.ndarray], object]:
    return lambda array: array.__setitem__(index, value)


DAMAGE: dict[str, Callable[[Path], None]] = {
    "weights missing": lambda folder: (folder / "model.safetensors").unlink(),
    "vocabulary missing": lambda folder: (folder / "vocabulary.json").unlink(),
    "vocabulary is a list": lambda folder: (folder / "vocabulary.json").write_text("[]") and None,
    "a word missing": strings(lambda content: content["words"].pop()),
    "a word twice": strings(lambda content: content["words"].__setitem__(0, content["words"][1])),
    "a number among the words": strings(lambda content: content["words"].__setitem__(0, 7)),  # type: ignore[call-overload]
    "an extra label": strings(lambda content: content["labels"].append("X")),
    "no labels": strings(lambda content: content["labels"].clear()),
    "an empty suffix": strings(lambda content: content["suffixes"].__setitem__(0, "")),
    "an extra key": strings(lambda content: content.__setitem__("more", [])),
    "a tag out of range": tensor("words_tags", put(0, 99)),
    "a negative tag": tensor("folded_tags", put(0, -1)),
    "a count of 0": tensor("suffixes_counts", put(0, 0)),
    "offsets that fall": tensor("words_offsets", put(1, 10**9)),
    "a place outside the table": tensor("transition_places", put(-1, 2**40)),
    "places out of order": tensor("transition_places", put(0, 10**4)),
    "groups out of range": tensor("groups", put(0, 2**31 - 1)),
    "a lexical tag out of range": tensor("lexical_tags", put(0, 77)),
    "more transitions": record(transitions=10**15),
    "negative transitions": record(transitions=-1),
    "entries as text": record(entries={"words": "1", "folded": 1, "suffixes": 1}),
    "other model type": record(model_type="hornbook-hmm"),
    "unknown configuration key": record(config={"lexical_word": 3}),
    "a scheme the labels are not of": record(config={"scheme": "bio"}),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_damage_is_one_line(saved: Path, damage: Callable[[Path], None]) -> None:
    damage(saved)
    with pytest.raises(HornbookError) as caught:
        HmmTagger.load(saved)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("number", [100, pytest.param(2000, marks=pytest.mark.slow)])
def test_mutants_never_crash(saved: Path, number: int) -> None:
    """Damaged files: refused in one line, or loaded and used within bounds (the manifest catches the rest)."""
    random = np.random.default_rng(11)
    names = ("model.safetensors", "vocabulary.json", "config.json")
    whole = {name: (saved / name).read_bytes() for name in names}
    refused = 0
    for i in range(number):
        name = names[i % 3]
        data = bytearray(whole[name])
        limit = min(len(data), 700) if i % 2 else len(data)
        for _ in range(int(random.integers(1, 4))):
            data[int(random.integers(limit))] = int(random.integers(256))
        (saved / name).write_bytes(data)
        try:
            assert len(HmmTagger.load(saved).tag([["the", "xyzed", "."]])[0]) == 3
        except HornbookError as error:
            assert "\n" not in str(error)
            refused += 1
        (saved / name).write_bytes(whole[name])
    assert refused > number / 2
