from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hornbook.core import artifact
from hornbook.core.errors import ContentError, HornbookError, UsageError
from hornbook.sequences import Chain, legal_chain
from hornbook.statistical.crf import CrfConfig, CrfTagger
from hornbook.statistical.crf_features import Template, find_windows, guess_tokens, templates_of
from hornbook.statistical.crf_objective import Lattice, Objective, take_inventory, without_zeros

NAMES = ["Anna", "Bob", "Carla"]
PLACES = ["Rome", "Paris", "New York"]


def sentences_of(number: int, seed: int = 1) -> tuple[list[list[str]], list[list[str]]]:
    random = np.random.default_rng(seed)
    sentences, labels = [], []
    for _ in range(number):
        name, place = str(random.choice(NAMES)), str(random.choice(PLACES)).split()
        fill = [str(word) for word in random.choice(["the", "old", "2", "quite"], size=random.integers(0, 4))]
        sentences.append([name, "went", *fill, "to", *place, "."])
        labels.append(["B-PER", "O", *["O"] * len(fill), "O", "B-LOC", *["I-LOC"] * (len(place) - 1), "O"])
    return sentences, labels


def objective(l2: float = 0.3) -> tuple[Objective, int, Lattice, np.ndarray]:
    sentences, labels = sentences_of(6)
    sentences.append([])
    labels.append([])
    names = sorted({label for line in labels for label in line})
    targets = np.array([names.index(label) for line in labels for label in line])
    windows = find_windows(sentences, templates_of("words"))
    inventory = take_inventory(windows, targets, len(names), minimum_count=1)
    lattice = Lattice(windows, inventory, len(names), threads=2)
    size = inventory.label_of.size + len(names) ** 2
    return Objective(lattice, targets, legal_chain(names, "bio"), l2=l2), size, lattice, targets


def test_gradient_equals_differences() -> None:
    function, size, _, _ = objective()
    point = np.random.default_rng(1).normal(size=size) * 0.3
    _, gradient = function(point)
    for place in [*np.random.default_rng(2).integers(size, size=40), *range(size - 9, size)]:
        step = np.zeros(size)
        step[place] = 1e-5
        difference = (function(point + step)[0] - function(point - step)[0]) / 2e-5
        assert gradient[place] == pytest.approx(difference, abs=1e-6)


def test_value_equals_the_sum_over_all_labellings() -> None:
    function, size, lattice, targets = objective(l2=0.0)
    point = np.random.default_rng(3).normal(size=size) * 0.3
    labels = lattice.labels
    transitions = point[-labels * labels :].reshape(labels, labels)
    rules = legal_chain(["B-LOC", "B-PER", "I-LOC", "O"], "bio")
    emissions = lattice.emissions(point[: -labels * labels])
    expected = 0.0
    for first, last in itertools.pairwise(lattice.starts):
        if last - first > 7 or first == last:
            continue
        scores = []
        for path in itertools.product(range(labels), repeat=int(last - first)):
            score = rules.start[path[0]] + sum(emissions[first + t, state] for t, state in enumerate(path))
            scores.append(score + sum(transitions[a, b] + rules.transition[a, b] for a, b in itertools.pairwise(path)))
        gold = targets[first:last]
        right = sum(emissions[first + t, state] for t, state in enumerate(gold))
        right += sum(transitions[a, b] for a, b in itertools.pairwise(gold))
        expected += float(np.logaddexp.reduce(scores)) - float(right)
    lengths = np.diff(lattice.starts)
    assert (lengths <= 7).sum() > 3
    part, _ = function(point)
    if (lengths <= 7).all():
        assert part == pytest.approx(expected, rel=1e-10)
    else:
        assert part > expected > 0


def test_features_are_seen_where_they_stand() -> None:
    windows = find_windows([["a", "B"], [], ["a"]], (Template((0,), (0,)), Template((-1, 0), (1,))))
    assert windows.seen.shape == (3, 2) and windows.starts.tolist() == [0, 2, 2, 3]
    assert windows.seen[0, 0] == windows.seen[2, 0] and windows.seen[0, 1] == windows.seen[2, 1]  # 'a' after a boundary, twice
    assert windows.seen[1, 1] != windows.seen[0, 1]


def test_attributes_tell_shape_and_affixes() -> None:
    def key(token: str, attribute: int) -> int:
        windows = find_windows([[token]], (Template((0,), (attribute,)),))
        return int(windows.keys[windows.seen[0, 0], 0])

    assert key("Rome", 2) == key("Bern", 2) != key("ROME", 2)
    assert key("Rome", 3) == key("Vienna", 3) != key("U.S.", 3)
    assert key("Rome", 1) == key("ROME", 1) and key("Rome", 0) != key("ROME", 0)
    assert key("walking", 10) == key("sing", 10) and key("walking", 6) != key("sing", 6)
    assert key("ab", 6) == 0  # no prefix of three letters


def test_guessing_words_or_characters() -> None:
    assert guess_tokens([list("我爱北京天安门")]) == "characters"
    assert guess_tokens([["我", "爱", "北京", "天安门"]]) == "words"
    assert guess_tokens([["I", "a"]]) == "words"
    assert guess_tokens([]) == "words"


def test_the_tagger_learns_and_generalises() -> None:
    tagger = CrfTagger(CrfConfig(threads=1)).fit(*sentences_of(60))
    test, labels = sentences_of(20, seed=5)
    assert tagger(test) == labels
    assert tagger([["Dora", "went", "to", "Oslo", "."]]) == [["B-PER", "O", "O", "B-LOC", "O"]]
    assert tagger([]) == [] and tagger([[], ["Anna"]])[0] == []
    for marginals, sentence in zip(tagger.predict_marginals(test), test):
        assert marginals.shape == (len(sentence), len(tagger.labels_))
        np.testing.assert_allclose(marginals.sum(axis=1), 1)


def test_threads_do_not_change_answers() -> None:
    one, two = (CrfTagger(CrfConfig(threads=threads, iterations=20)).fit(*sentences_of(40)) for threads in (1, 2))
    test, _ = sentences_of(20, seed=6)
    assert one(test) == two(test)
    assert one.loss_ == pytest.approx(two.loss_, rel=1e-6)


@pytest.mark.parametrize("scheme", ["bio", "bioes", "bmes"])
def test_no_illegal_sequence_is_ever_given(scheme: str) -> None:
    random = np.random.default_rng(4)
    names = {"bio": ["B-X", "I-X", "O"], "bioes": ["B-X", "I-X", "E-X", "S-X", "O"], "bmes": ["B", "M", "E", "S"]}[scheme]
    rules = legal_chain(names, scheme)  # type: ignore[arg-type]
    sentences, labels = [], []
    for _ in range(80):
        path = [int(random.choice(np.flatnonzero(rules.start == 0)))]
        while len(path) < 6 or rules.end[path[-1]] < 0:
            path.append(int(random.choice(np.flatnonzero(rules.transition[path[-1]] == 0))))
        labels.append([names[state] for state in path])
        sentences.append([str(random.integers(5)) for _ in path])
    tagger = CrfTagger(CrfConfig(iterations=5, threads=1)).fit(sentences, labels)
    assert tagger.config.scheme == scheme
    index = {name: i for i, name in enumerate(names)}
    for line in tagger([[str(random.integers(9)) for _ in range(12)] for _ in range(50)]):
        states = [index[label] for label in line]
        assert rules.start[states[0]] == 0 and rules.end[states[-1]] == 0
        assert all(rules.transition[a, b] == 0 for a, b in itertools.pairwise(states))


def test_iob1_becomes_bio_and_other_labels_stay_free() -> None:
    tagger = CrfTagger(CrfConfig(iterations=30)).fit([["Rome", "is"], ["to", "Rome"]], [["I-LOC", "O"], ["O", "I-LOC"]])
    assert tagger.config.scheme == "bio" and tagger.labels_ == ("B-LOC", "O")
    assert CrfTagger(CrfConfig(iterations=2)).fit([["a", "b"]], [["NOUN", "VERB"]]).config.scheme == "none"
    assert CrfTagger(CrfConfig(iterations=2)).fit([["a", "b"]], [["O", "OTHER"]]).config.scheme == "none"


def test_wrong_input_is_named() -> None:
    with pytest.raises(UsageError, match="not trained"):
        CrfTagger()([["a"]])
    with pytest.raises(UsageError, match="2 sentences and 1 lists"):
        CrfTagger().fit([["a"], ["b"]], [["O"]])
    with pytest.raises(ContentError, match="sentence 2 has 2 tokens and 1 labels"):
        CrfTagger().fit([["a"], ["b", "c"]], [["O"], ["O"]])
    with pytest.raises(ContentError, match="not legal BIO"):
        CrfTagger(CrfConfig(scheme="bio")).fit([["a", "b"]], [["O", "I-X"]])
    with pytest.raises(ContentError, match="1 to 255"):
        CrfTagger().fit([], [])
    with pytest.raises(TypeError, match="sentence 0 is one str"):
        CrfTagger().fit(["ab"], [["O", "O"]])
    with pytest.raises(TypeError, match="sentence 0 has a token that is int"):
        CrfTagger().fit([[1]], [["O"]])  # type: ignore[list-item]
    with pytest.raises(UsageError):
        CrfConfig(l1=-1.0)


def test_rare_features_are_left_out_and_zeros_dropped() -> None:
    sentences, labels = sentences_of(40)
    every, common = (CrfTagger(CrfConfig(minimum_count=count, l1=0.0)).fit(sentences, labels) for count in (1, 4))
    assert common.parameters < every.parameters
    sparse = CrfTagger(CrfConfig(l1=0.5)).fit(sentences, labels)
    assert sparse.parameters < every.parameters / 2 and np.count_nonzero(sparse.weights_) == sparse.weights_.size
    assert sparse(sentences) == labels


def test_dropping_zeros_keeps_every_emission() -> None:
    sentences, labels = sentences_of(10)
    targets = np.array([["B-LOC", "B-PER", "I-LOC", "O"].index(label) for line in labels for label in line])
    windows = find_windows(sentences, templates_of("words"))
    inventory = take_inventory(windows, targets, 4, minimum_count=1)
    random = np.random.default_rng(1)
    weights = (random.normal(size=inventory.label_of.size) * (random.random(inventory.label_of.size) < 0.5)).astype(np.float32)
    smaller, kept = without_zeros(inventory, weights)
    before = Lattice(windows, inventory, 4, threads=1).emissions(weights.astype(np.float64))
    after = Lattice(windows, smaller, 4, threads=1).emissions(kept.astype(np.float64))
    np.testing.assert_allclose(after, before, atol=1e-12)
    assert smaller.keys.size < inventory.keys.size


def test_every_label_and_only_legal_ones_share_the_chain() -> None:
    tagger = CrfTagger(CrfConfig(iterations=10)).fit(*sentences_of(20))
    chain = Chain(tagger.transitions_) + legal_chain(tagger.labels_, "bio")
    assert chain.transition[tagger.labels_.index("O"), tagger.labels_.index("I-LOC")] == -np.inf


@pytest.fixture
def saved(tmp_path: Path) -> tuple[CrfTagger, Path]:
    tagger = CrfTagger(CrfConfig(iterations=20, threads=1)).fit(*sentences_of(30))
    with artifact.writing(tmp_path / "model") as folder:
        tagger.save_files(folder)
    return tagger, tmp_path / "model"


def test_loaded_tagger_is_the_saved_one(saved: tuple[CrfTagger, Path]) -> None:
    tagger, folder = saved
    artifact.verify(folder)
    loaded = CrfTagger.load(folder)
    test, _ = sentences_of(30, seed=8)
    assert loaded(test) == tagger(test) and loaded.config == tagger.config and loaded.labels_ == tagger.labels_
    for one, other in zip(loaded.predict_marginals(test), tagger.predict_marginals(test)):
        np.testing.assert_array_equal(one, other)


def change_record(**changes: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        record = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**record, **changes}))

    return change


def change_tensor(name: str, index: int, value: float) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        from safetensors.numpy import load_file, save_file

        tensors = load_file(folder / "model.safetensors")
        tensors[name].reshape(-1)[index] = value
        save_file(tensors, folder / "model.safetensors")

    return change


DAMAGE: dict[str, Callable[[Path], None]] = {
    "weights missing": lambda folder: (folder / "model.safetensors").unlink(),
    "other type": change_record(model_type="hornbook-hmm"),
    "labels out of order": change_record(labels=["O", "B-PER", "B-LOC", "I-LOC"]),
    "labels outside the scheme": change_record(labels=["A", "B-PER", "I-LOC", "O"]),
    "a label too few": change_record(labels=["B-LOC", "B-PER", "O"]),
    "negative width": change_record(features=-1),
    "huge number of weights": change_record(weights=2**61),
    "keys out of order": change_tensor("keys", 3, 1),
    "first does not begin at 0": change_tensor("first", 0, 1),
    "first beyond the weights": change_tensor("first", 5, 2**31),
    "label outside the labels": change_tensor("label_of", 0, 200),
    "weight that is no number": change_tensor("weights", 0, float("nan")),
    "infinite transition": change_tensor("transitions", 0, float("inf")),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_damage_is_one_line_that_names_the_file(saved: tuple[CrfTagger, Path], damage: Callable[[Path], None]) -> None:
    _, folder = saved
    damage(folder)
    with pytest.raises(HornbookError) as caught:
        CrfTagger.load(folder)
    assert str(folder) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("number", [200, pytest.param(2000, marks=pytest.mark.slow)])
def test_mutants_are_refused_or_answer(saved: tuple[CrfTagger, Path], number: int) -> None:
    _, folder = saved
    refused = 0
    for kind, name in enumerate(("model.safetensors", "config.json")):
        whole = (folder / name).read_bytes()
        random = np.random.default_rng(kind)
        for i in range(number // 2):
            data = bytearray(whole)
            for _ in range(int(random.integers(1, 4))):
                data[int(random.integers(500 if i % 2 else len(data)) % len(data))] = int(random.integers(256))
            (folder / name).write_bytes(data[: int(random.integers(len(data)))] if i % 7 == 0 else data)
            try:
                tagger = CrfTagger.load(folder)
            except HornbookError:
                refused += 1
                continue
            assert len(tagger([["a", "text"]])[0]) == 2
        (folder / name).write_bytes(whole)
    assert refused > number / 4
