from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hornbook.core.errors import ContentError, UsageError
from hornbook.core.events import Event, Note, Progress
from hornbook.statistical import NgramConfig, NgramLM, memory_needed
from ids_only import IdsOnly

SIZE = 30


def probabilities(scores: np.ndarray) -> np.ndarray:
    return np.exp(scores.astype(np.float64))


def fitted(documents: list[np.ndarray], **config: object) -> NgramLM:
    return NgramLM(IdsOnly(SIZE), NgramConfig(**config)).fit(documents)  # type: ignore[arg-type]


@settings(max_examples=200, deadline=None)
@given(
    documents=st.lists(st.lists(st.integers(6, 11), max_size=10), max_size=5),
    order=st.integers(1, 7),
    probe=st.lists(st.integers(0, 12), max_size=8),
    minimum=st.sampled_from([(1,), (1, 1, 2), (1, 3)]),
)
def test_tiny_text_always_trains_and_sums_to_one(
    documents: list[list[int]], order: int, probe: list[int], minimum: tuple[int, ...]
) -> None:
    model = NgramLM(IdsOnly(13), NgramConfig(order=order, minimum_counts=minimum)).fit([np.array(d) for d in documents])
    contexts = [d[:i] for d in [*documents, probe] for i in range(len(d) + 1)]
    scores, _ = model.start([np.array(context) for context in contexts])
    assert np.isfinite(scores).all()
    np.testing.assert_allclose(probabilities(scores).sum(axis=1), 1, atol=1e-6)
    assert all(np.isfinite(part).all() for part in model.log_probs([np.array(probe)]))


@pytest.mark.parametrize("documents", [[], [[]], [[6]], [[6] * 50], [[6, 6], [6]], [[7, 8, 9, 10]]], ids=str)
def test_degenerate_text(documents: list[list[int]]) -> None:
    notes: list[Event] = []
    model = NgramLM(IdsOnly(SIZE)).fit([np.array(d) for d in documents], log=notes.append)
    assert any(isinstance(event, Note) and "discounts" in event.text for event in notes)
    scores, _ = model.start([[], [6], [6, 6, 6, 6, 6], [29, 28]])
    np.testing.assert_allclose(probabilities(scores).sum(axis=1), 1, atol=1e-6)
    assert np.isfinite(np.concatenate(model.log_probs([np.array([6, 29, 7])]))).all()


@pytest.mark.parametrize("order", [1, 2, 3, 5, 7])
def test_steps_and_starts_equal_log_probs(skewed_documents: list[np.ndarray], order: int) -> None:
    model = fitted(skewed_documents[:150], order=order)
    for document in [*skewed_documents[150:160], np.array([29, 6, 29, 29, 7, 7])]:
        expected = model.log_probs([document])[0]
        scores, state = model.start([document[:0]])
        for i, word in enumerate(document):
            assert scores[0, word] == pytest.approx(expected[i], abs=1e-5)
            np.testing.assert_allclose(model.start([document[:i]])[0], scores, atol=1e-6)
            scores, state = model.step(state, np.array([word]))
        assert scores[0, 3] == pytest.approx(expected[-1], abs=1e-5)


def test_rows_of_a_batch_do_not_touch_each_other(skewed_documents: list[np.ndarray]) -> None:
    model = fitted(skewed_documents)
    prefixes = [document[:i] for i, document in enumerate(skewed_documents[:12])]
    together, state = model.start(prefixes)
    for row, prefix in enumerate(prefixes):
        np.testing.assert_array_equal(together[row], model.start([prefix])[0][0])
    rows = [3, 3, 0, 11]
    chosen = model.select(state, rows)
    stepped, _ = model.step(chosen, np.array([6, 7, 8, 9]))
    for i, (row, word) in enumerate(zip(rows, [6, 7, 8, 9])):
        np.testing.assert_array_equal(stepped[i], model.start([np.append(prefixes[row], word)])[0][0])
    chosen.context[:] = 0
    np.testing.assert_array_equal(model.step(state, np.full(12, 6))[0][3], stepped[0])  # the selection was a copy


def test_batches_of_documents_equal_single_ones(skewed_documents: list[np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    model = fitted(skewed_documents)
    whole = model.log_probs(skewed_documents)
    assert [part.size for part in whole] == [document.size + 1 for document in skewed_documents]
    assert all(part.dtype == np.float32 for part in whole)
    monkeypatch.setattr("hornbook.statistical.ngram._TOKENS_PER_CALL", 50)
    for one, other in zip(whole, model.log_probs(skewed_documents)):
        np.testing.assert_array_equal(one, other)
    for document, expected in list(zip(skewed_documents, whole))[:5]:
        np.testing.assert_array_equal(model.log_probs([document])[0], expected)
    assert model.log_probs([]) == []


def test_longer_context_fits_the_training_text_better(skewed_documents: list[np.ndarray]) -> None:
    means = [np.concatenate(fitted(skewed_documents, order=k).log_probs(skewed_documents)).mean() for k in (1, 2, 3, 5)]
    assert means == sorted(means)


def test_ids_that_are_never_predicted_have_no_probability_unless_the_text_has_them() -> None:
    documents = [np.array([6, 7, 6, 8])]
    scores, _ = fitted(documents).start([[]])
    assert (probabilities(scores)[0, [0, 2, 4, 5]] < 1e-30).all() and np.isfinite(scores).all()
    assert probabilities(scores)[0, 1] > 0.001  # unknown shares the uniform part
    scores, _ = fitted([np.array([6, 7, 5, 8])]).start([[6, 7]])
    assert probabilities(scores)[0, 5] > 0.1
    np.testing.assert_allclose(probabilities(scores).sum(), 1, atol=1e-6)


@pytest.mark.parametrize("special", [2, 3])
def test_special_ids_inside_a_document_are_ordinary_tokens(special: int) -> None:
    document = np.array([6, special, 7, 6, special, 8])
    model = fitted([document])
    for i in range(document.size + 1):
        scores, _ = model.start([document[:i]])
        np.testing.assert_allclose(probabilities(scores).sum(), 1, atol=1e-6)
        following = document[i] if i < document.size else 3
        assert scores[0, following] == pytest.approx(model.log_probs([document])[0][i], abs=1e-5)


def test_a_tokenizer_without_start_gives_the_same_model(skewed_documents: list[np.ndarray]) -> None:
    without = NgramLM(IdsOnly(SIZE, {"end": 3, "pad": 0, "unknown": 1}), NgramConfig(order=3)).fit(skewed_documents)
    seen_only = np.concatenate(without.log_probs(skewed_documents))
    np.testing.assert_allclose(
        seen_only, np.concatenate(fitted(skewed_documents, order=3).log_probs(skewed_documents)), atol=0.02
    )
    scores, _ = without.start([[], [6, 7]])
    np.testing.assert_allclose(probabilities(scores).sum(axis=1), 1, atol=1e-6)


def test_a_split_on_disk_equals_a_list_of_documents(skewed_documents: list[np.ndarray]) -> None:
    @dataclass(frozen=True)
    class Split:
        tokens: np.ndarray
        starts: np.ndarray

    lengths = [document.size for document in skewed_documents]
    split = Split(np.concatenate(skewed_documents).astype(np.uint16), np.cumsum([0, *lengths]))
    one = NgramLM(IdsOnly(SIZE)).fit(split)
    other = NgramLM(IdsOnly(SIZE)).fit(iter(skewed_documents))
    assert one.tokens_ == other.tokens_ == sum(lengths) + len(lengths)
    for name, array in one.trie_.arrays().items():
        np.testing.assert_array_equal(array, other.trie_.arrays()[name])  # same text, same bytes


def test_pruned_model_is_smaller_and_still_sums_to_one(skewed_documents: list[np.ndarray]) -> None:
    whole, pruned = fitted(skewed_documents), fitted(skewed_documents, minimum_counts=(1, 1, 2))
    assert pruned.trie_.rows[:2] == whole.trie_.rows[:2] and pruned.trie_.rows[2] < whole.trie_.rows[2]
    assert pruned.size_mb < whole.size_mb and pruned.parameters < whole.parameters
    scores, _ = pruned.start([document[:9] for document in skewed_documents])
    np.testing.assert_allclose(probabilities(scores).sum(axis=1), 1, atol=1e-6)


def test_a_large_vocabulary_uses_wide_words() -> None:
    size = 70_000
    random = np.random.default_rng(3)
    documents = [random.integers(6, size, 50) for _ in range(20)]
    model = NgramLM(IdsOnly(size), NgramConfig(order=3)).fit(documents)
    assert model.trie_.words.dtype == np.uint32
    scores, _ = model.start([documents[0][:7], []])
    np.testing.assert_allclose(probabilities(scores).sum(axis=1), 1, atol=1e-6)
    assert scores[0, documents[0][7]] == pytest.approx(model.log_probs(documents[:1])[0][7], abs=1e-5)


def test_progress_names_every_order(skewed_documents: list[np.ndarray]) -> None:
    events: list[Event] = []
    NgramLM(IdsOnly(SIZE), NgramConfig(order=4)).fit(skewed_documents, log=events.append)
    counted = [event.done for event in events if isinstance(event, Progress) and event.stage.startswith("counting")]
    assert counted == [2, 3, 4]


def test_user_errors_are_one_line(skewed_documents: list[np.ndarray]) -> None:
    for wrong in ({"order": 0}, {"order": 99}, {"minimum_counts": (2,)}, {"minimum_counts": (1, 3, 2)}, {"minimum_counts": ()}):
        with pytest.raises(UsageError):
            NgramConfig(**wrong)  # type: ignore[arg-type]
    for discounts in ((0.5, 1.0), (0.0, 1.0, 1.5), (0.5, 2.0, 1.5)):
        with pytest.raises(UsageError, match="fallback_discounts"):
            NgramConfig(fallback_discounts=discounts)
    with pytest.raises(UsageError, match="not trained"):
        NgramLM(IdsOnly(SIZE)).log_probs([np.array([6])])
    with pytest.raises(ContentError, match="token id 30 is outside the vocabulary of 30"):
        fitted([np.array([6, 30])])
    model = fitted(skewed_documents)
    for call in (lambda: model.log_probs([np.array([6, -1])]), lambda: model.start([[99]])):
        with pytest.raises(ContentError, match="outside the vocabulary"):
            call()
    with pytest.raises(ContentError, match="outside the vocabulary"):
        model.step(model.start([[]])[1], np.array([SIZE]))


def test_memory_limit_is_checked_before_work(skewed_documents: list[np.ndarray]) -> None:
    with pytest.raises(UsageError, match="memory_mb is 100"):
        fitted(skewed_documents, memory_mb=100)
    assert memory_needed(10**7, 100, NgramConfig(order=5)) > memory_needed(10**7, 100, NgramConfig(order=3))


def test_importing_the_room_loads_neither_numba_nor_torch() -> None:
    code = "import sys, hornbook.statistical as s; s.NgramConfig; assert not {'numba', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
