"""The doctor of classifiers: worst errors, likely label errors, nearest training texts, slices; and what odd samples give."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hornbook.core.errors import ContentError, UsageError
from hornbook.scoring.label_errors import likely_label_errors
from hornbook.statistical.bayes import LanguageModelClassifier
from hornbook.statistical.linear import LinearClassifier
from hornbook.tasks.judge import Answered, ask, judge
from hornbook.tasks.nearest import nearest_training
from hornbook.tasks.texts import Sample, text_hashes

GOOD, BAD = ["lovely", "fine", "charming", "warm", "bright"], ["dull", "awful", "tired", "cold", "bleak"]


def sample(pairs: list[tuple[Any, Any]], name: str = "test.tsv") -> Sample:
    return Sample([a for a, _ in pairs], [b for _, b in pairs], [(Path(name), k + 1) for k in range(len(pairs))])


def films(count: int, *, seed: int) -> Sample:
    random = np.random.default_rng(seed)
    pairs = [
        (f"a {' and '.join(random.choice((GOOD, BAD)[k % 2], 3))} film no {seed}{k}", ("good", "bad")[k % 2])
        for k in range(count)
    ]
    return sample(pairs, f"films{seed}.tsv")


@pytest.fixture(scope="module")
def linear() -> LinearClassifier:
    train = films(120, seed=1)
    return LinearClassifier().fit(train.texts, train.labels)


def quiet(event: Any) -> None:
    """Nobody listens."""


def answered(probabilities: list[list[float]], *, labels: tuple[str, ...] = ("a", "b"), config: Any = None) -> Answered:
    table = np.array(probabilities)
    return Answered(labels, config, table, [labels[k] for k in table.argmax(axis=1)])


def test_a_planted_label_error_is_found_and_explained(linear: LinearClassifier) -> None:
    test, train = films(60, seed=2), films(120, seed=1)
    test.labels[7] = "good"  # was bad
    found = judge(linear, test, train=train, log=quiet)
    assert found.n == 60 and found.errors == 1 and found.likely_errors == 1
    (worst,), (doubtful,) = found.worst, found.doubtful
    assert (worst.row, worst.label, worst.other, worst.place) == (7, "good", "bad", "films2.tsv:8")
    assert worst.doubted and worst.p_other > 0.9 > worst.p_label
    assert (doubtful.row, doubtful.label, doubtful.other) == (7, "good", "bad")
    assert worst.nearest is not None and worst.nearest.label == "bad"
    assert worst.nearest.place.startswith("films1.tsv:") and 0.2 < worst.nearest.cosine <= 1
    json.dumps(found.to_dict(), allow_nan=False)


def test_what_was_trained_on_is_marked() -> None:
    test = sample([("x", "b"), ("y", "b")])
    found = judge(answered([[0.9, 0.1], [0.8, 0.2]]), test, seen=text_hashes([" y\n"]), log=quiet)
    assert [(case.text, case.trained_on) for case in found.worst] == [("x", False), ("y", True)]


def test_asking_once_is_what_the_classifier_answers(linear: LinearClassifier) -> None:
    test, train = films(40, seed=3), films(80, seed=4)
    bayes = LanguageModelClassifier().fit(train.texts, train.labels)
    for model in (linear, bayes):
        asked = ask(model, test.texts)
        assert asked(test.texts) == model(test.texts) and ask(asked, test.texts) is asked


def test_the_worst_come_first() -> None:
    probabilities = [[0.4, 0.6], [0.01, 0.99], [0.9, 0.1], [0.2, 0.8]]
    found = judge(answered(probabilities), sample([("x", "a"), ("y", "a"), ("z", "a"), ("w", "b")]), top=1, log=quiet)
    assert found.errors == 2 and [case.text for case in found.worst] == ["y"]
    assert found.worst[0].p_label == pytest.approx(0.01) and found.worst[0].nearest is None
    assert not judge(answered(probabilities), sample([("x", "a")] * 4), top=0, log=quiet).worst


def test_confident_learning_by_hand() -> None:
    # label 0: 0.9 0.8 0.1, threshold 0.6; label 1: 0.7 0.9 0.2, threshold 0.6.
    # row 2 carries 0 and gives 1 0.9 >= 0.6; row 5 carries 1 and gives 0 0.8 >= 0.6. Margins -0.8 and -0.6.
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.3, 0.7], [0.1, 0.9], [0.8, 0.2]])
    targets = np.array([0, 0, 0, 1, 1, 1])
    assert likely_label_errors(probabilities, targets) == [(2, 1), (5, 0)]
    # a label that no text carries is never the better one
    three = np.column_stack([probabilities * 0.1, np.full(6, 0.9)])
    assert all(better != 2 for _, better in likely_label_errors(three, targets))


def test_as_cleanlab_counts() -> None:
    filters = pytest.importorskip("cleanlab.filter")
    random = np.random.default_rng(1)
    probabilities = random.dirichlet(np.ones(4) * 0.5, 400)
    targets = np.array([random.choice(4, p=row) for row in probabilities])
    expected = filters.find_label_issues(targets, probabilities, filter_by="confident_learning")
    assert sorted(row for row, _ in likely_label_errors(probabilities, targets)) == np.flatnonzero(expected).tolist()


def test_slices_cover_all_texts_by_length() -> None:
    texts = ["x" * k for k in range(1, 41)]
    table = [[0.9, 0.1] if k <= 10 else [0.1, 0.9] for k in range(1, 41)]
    found = judge(answered(table), sample([(text, "b") for text in texts]), log=quiet)
    assert sum(one.n for one in found.slices) == 40 and len(found.slices) == 4
    assert found.slices[0].accuracy == 0 and found.slices[-1].accuracy == 1
    assert all(low - 1e-9 <= one.accuracy <= high + 1e-9 for one in found.slices for low, high in [one.ci95])
    assert found.slices[-1].ci95[0] < 1  # ten of ten right is not certainty
    assert [one.shortest for one in found.slices] == [1, *(one.longest + 1 for one in found.slices[:-1])]


def test_nothing_one_text_one_label_one_character() -> None:
    empty = judge(Answered(("a", "b"), None, np.zeros((0, 2)), []), sample([]), train=sample([("x", "a")]), log=quiet)
    assert empty.n == empty.errors == empty.likely_errors == 0
    assert not (empty.slices or empty.worst or empty.doubtful or empty.kept or empty.bins)
    assert empty.brier is None and empty.log_loss is None and empty.calibration_error is None
    assert [(one.label, one.precision, one.recall, one.f1) for one in empty.labels] == [
        ("a", None, None, None),
        ("b", None, None, None),
    ]
    json.dumps(empty.to_dict(), allow_nan=False)
    one = judge(answered([[0.3, 0.7]]), sample([("x", "a")]), train=sample([("y", "a")]), log=quiet)
    assert one.errors == 1 and one.slices[0][:4] == (1, 1, 1, 0.0) and one.kept == ()
    assert one.worst[0].nearest is None  # shares nothing
    never = {score.label: score for score in one.labels}
    assert never["a"].precision is None and never["a"].recall == 0 and never["a"].f1 == 0
    assert never["b"].precision == 0 and never["b"].recall is None


def test_two_labels_have_thresholds_more_have_none() -> None:
    table = [[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.45, 0.55]]
    found = judge(answered(table), sample([("x", "a"), ("y", "a"), ("z", "b"), ("w", "b")]), log=quiet)
    assert [(one.kept, one.found) for one in found.kept] == [("a", "b"), ("b", "a")]
    assert found.kept[0].at == (0.55, 1.0, 1.0, 1.0)
    three = answered([[0.5, 0.3, 0.2]], labels=("a", "b", "c"))
    assert judge(three, sample([("x", "a")]), log=quiet).kept == ()


class Several:
    kind = "multi"


def test_several_labels_a_text() -> None:
    table = np.array([[0.9, 0.8], [0.1, 0.2], [0.95, 0.1], [0.9, 0.1]])
    answers = [("a", "b"), (), ("a",), ("a",)]
    found = judge(
        Answered(("a", "b"), Several(), table, answers),
        sample([("v", ("a", "b")), ("w", ()), ("x", ("b",)), ("y", ("a",))]),
        log=quiet,
    )
    assert found.kind == "multi" and found.errors == 1 and found.kept == ()
    case = found.worst[0]
    assert (case.text, case.label, case.other) == ("x", "b", "a") and case.p_other == pytest.approx(0.95) and case.doubted
    assert {(one.label, one.other) for one in found.doubtful} == {("b", "a, b"), ("b", "")}
    assert sum(one.n for one in found.bins) == 8


def test_pairs_of_texts_are_measured_and_shown_as_one() -> None:
    found = judge(answered([[0.9, 0.1]]), sample([(("one", "two"), "b")]), train=sample([(("one", "three"), "a")]), log=quiet)
    assert found.worst[0].text == "one\ntwo" and found.worst[0].nearest is not None
    assert found.worst[0].nearest.text == "one\nthree" and found.slices[0].longest == 7


def test_the_nearest_is_found_in_any_block(monkeypatch: pytest.MonkeyPatch) -> None:
    train = films(50, seed=9)
    whole = nearest_training(train.texts[:5], train)
    monkeypatch.setattr("hornbook.tasks.nearest._CHARACTERS_AT_ONCE", 300)
    parts = nearest_training(train.texts[:5], train)
    for found in (whole, parts):
        assert [one and one.text for one in found] == train.texts[:5]
        assert [one and round(one.cosine, 3) for one in found] == [1.0] * 5


def test_chinese_texts_have_neighbours() -> None:
    train = sample([("这家酒店非常干净", "好"), ("服务员态度很差", "坏")])
    (near,) = nearest_training(["酒店很干净"], train)
    assert near is not None and near.label == "好"


def test_what_cannot_be_judged(linear: LinearClassifier) -> None:
    with pytest.raises(ContentError, match="odd.tsv, line 1: label 'ugly' does not occur"):
        judge(linear, sample([("x", "ugly")], "odd.tsv"), log=quiet)
    with pytest.raises(UsageError, match="top = -1"):
        judge(linear, sample([]), top=-1, log=quiet)
