"""Every smoothing: sums of 1 on random tiny text (P13), its formula by hand, nltk where the definitions agree."""

from __future__ import annotations

import math
import typing

import numpy as np
import pytest

from hornbook.core.errors import UsageError
from hornbook.core.events import Event, Note
from hornbook.statistical import NgramConfig, NgramLM
from hornbook.statistical.ngram_config import SmoothingName
from ids_only import IdsOnly

SMOOTHINGS = typing.get_args(SmoothingName)
NORMALISED = [name for name in SMOOTHINGS if name != "stupid-backoff"]
A, B, C, END, UNKNOWN, SIZE = 6, 7, 8, 3, 1, 13


def probabilities(scores: np.ndarray) -> np.ndarray:
    return np.exp(scores.astype(np.float64))


def tiny_corpora(number: int) -> list[list[np.ndarray]]:
    """Texts of 0 to 50 ids in a vocabulary of 13, some of one type only, some with ids that are usually never predicted."""
    random = np.random.default_rng(20)
    corpora = []
    for i in range(number):
        types = int(random.integers(1, 7))
        lowest = 0 if i % 10 == 0 else 6
        sizes = random.multinomial(int(random.integers(0, 51)), np.ones(4) / 4)
        corpora.append([lowest + random.integers(0, types, size) for size in sizes[: int(random.integers(1, 5))]])
    return corpora


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_every_context_sums_to_one_on_tiny_text(smoothing: SmoothingName) -> None:
    worst = 0.0
    for i, documents in enumerate(tiny_corpora(200)):
        minimum = [(1,), (1, 1, 2), (1, 2)][i % 3]
        config = NgramConfig(order=i % 7 + 1, smoothing=smoothing, minimum_counts=minimum)
        model = NgramLM(IdsOnly(SIZE), config).fit(documents)
        contexts = [d[:j] for d in [*documents, np.array([8, 6, 12, 1, 7])] for j in range(len(d) + 1)]
        scores, _ = model.start(contexts)
        inside, _ = model.after(contexts)
        for rows in (scores, inside):
            assert np.isfinite(rows).all()
            worst = max(worst, float(np.abs(probabilities(rows).sum(axis=1) - 1).max()))
        if model.normalised:
            assert np.isfinite(np.concatenate(model.log_probs([np.array([8, 6, 12, 1, 7])]))).all()
    assert worst < 1e-6


@pytest.mark.parametrize("smoothing", NORMALISED)
def test_steps_equal_log_probs(skewed_documents: list[np.ndarray], smoothing: SmoothingName) -> None:
    model = NgramLM(IdsOnly(30), NgramConfig(order=4, smoothing=smoothing)).fit(skewed_documents[:150])
    for document in skewed_documents[150:155]:
        expected = model.log_probs([document])[0]
        scores, state = model.start([document[:0]])
        for i, word in enumerate(document):
            assert scores[0, word] == pytest.approx(expected[i], abs=1e-5)
            scores, state = model.step(state, np.array([word]))
        assert scores[0, END] == pytest.approx(expected[-1], abs=1e-5)


def trained(smoothing: SmoothingName, order: int = 2, **config: float) -> NgramLM:
    """The text | a b a .  | a b .  | b c .  with its 9 predictable ids: a b c . unknown and four never seen."""
    documents = [np.array([A, B, A]), np.array([A, B]), np.array([B, C])]
    return NgramLM(IdsOnly(SIZE), NgramConfig(order=order, smoothing=smoothing, **config)).fit(documents)  # type: ignore[arg-type]


def after(model: NgramLM, *context: int) -> np.ndarray:
    return probabilities(model.after([np.array(context, dtype=np.int64)])[0])[0]


def test_witten_bell_by_hand() -> None:
    # order 1: a 3 b 3 c 1 . 3, N = 4, uniform 1/9: p(b) = (3 + 4/9) / 14.  After b: a 1, . 1, c 1; sum 3, N = 3
    model = trained("witten-bell")
    below = (3 + 4 / 9) / 14
    assert after(model)[[A, B, END]] == pytest.approx([below] * 3)
    assert after(model, B)[[A, B, END]] == pytest.approx([(1 + 3 * below) / 6, 3 * below / 6, (1 + 3 * below) / 6])


def test_lidstone_and_laplace_by_hand() -> None:
    assert after(trained("laplace"), A)[[A, B, END]] == pytest.approx([1 / 12, 3 / 12, 2 / 12])  # after a: b 2, . 1; V = 9
    assert after(trained("lidstone", pseudo_count=0.5), A)[[A, B]] == pytest.approx([0.5 / 7.5, 2.5 / 7.5])
    assert after(trained("laplace", order=1))[[A, C, UNKNOWN]] == pytest.approx([4 / 19, 2 / 19, 1 / 19])
    trigram = trained("laplace", order=3)
    assert after(trigram, A, B)[[A, END, C]] == pytest.approx([2 / 11, 2 / 11, 1 / 11])
    assert after(trigram, SIZE)[[A, B]] == pytest.approx([3 / 12, 2 / 12])  # the start of a document is a whole context
    assert after(trigram, C, C)[[A, B]] == pytest.approx([1 / 9, 1 / 9])


def test_absolute_discounting_by_hand() -> None:
    # order 2: |a 2 |b 1 ab 2 ba 1 a. 1 b. 1 bc 1 c. 1: n1 = 6, n2 = 2, D = 6/10;  order 1: 3 3 1 3: n2 = 0, fallback 1/2
    model = trained("absolute")
    np.testing.assert_allclose(model.discounts_, [[0.5] * 3, [0.6] * 3])
    below = (2.5 + 4 * 0.5 / 9) / 10
    assert after(model)[B] == pytest.approx(below)
    assert after(model, A)[[B, A]] == pytest.approx([1.4 / 3 + 1.2 / 3 * below, 1.2 / 3 * below])


def test_kneser_ney_by_hand() -> None:
    # left neighbours: a {|, b} 2, b {|, a} 2, c {b} 1, . {a, b, c} 3, sum 8: n1 = 1, n2 = 2, D = 1/5; order 2 as above: D = 3/5
    model = trained("kneser-ney")
    np.testing.assert_allclose(model.discounts_, [[0.2] * 3, [0.6] * 3])
    share = 4 * 0.2 / 9
    assert after(model)[[A, B, C, END, UNKNOWN]] == pytest.approx(np.array([1.8, 1.8, 0.8, 2.8, 0]) / 8 + share / 8)
    assert after(model, A)[B] == pytest.approx(1.4 / 3 + 1.2 / 3 * (1.8 + share) / 8)


def test_katz_backs_off_only_for_unseen_words() -> None:
    model = trained("katz")
    one, two = 0.5, 1.0  # fallback: (r - D) / r
    seen = after(model, A)
    assert seen[[B, END]] == pytest.approx([2 * (2 - two) / 2 / 3, (1 - one) / 3])
    first = after(model)
    unseen = [A, C, UNKNOWN]
    np.testing.assert_allclose(
        seen[unseen] / first[unseen], (1 - seen[[B, END]].sum()) / (1 - first[[B, END]].sum()), rtol=1e-6
    )


def test_stupid_backoff_gives_scores_only() -> None:
    model = trained("stupid-backoff")
    total = 10 + 1
    assert model.score(np.array([A]), bos=False, eos=False, base=math.e) == pytest.approx(math.log(3 / total))
    assert model.score(np.array([A, B]), bos=False, eos=False, base=2) == pytest.approx(math.log2(3 / total * 2 / 3))
    assert model.score(np.array([A, A]), bos=False, eos=False) == pytest.approx(math.log10(3 / total * 0.4 * 3 / total))
    assert not model.normalised
    with pytest.raises(UsageError, match="bits per byte"):
        model.log_probs([np.array([A])])


def test_notes_say_which_orders_use_the_fallback() -> None:
    for smoothing, word in (("katz", "Good-Turing"), ("absolute", "Kneser-Ney"), ("modified-kneser-ney", "Kneser-Ney")):
        notes: list[Event] = []
        NgramLM(IdsOnly(SIZE), NgramConfig(smoothing=smoothing)).fit([np.array([6, 7])], log=notes.append)  # type: ignore[arg-type]
        assert any(isinstance(event, Note) and word in event.text for event in notes)


@pytest.mark.parametrize("bad", [{"bits": 7}, {"threads": 0}, {"prune_entropy": -1.0}, {"pseudo_count": 0.0}])
def test_settings_out_of_range_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(bad))):
        NgramConfig(**bad)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="no probability"):
        NgramConfig(smoothing="stupid-backoff", bits=8)


def nltk_model(name: str, order: int, sentences: list[list[str]], *settings: float) -> object:
    models = pytest.importorskip("nltk.lm", reason="nltk is in the group `peers`: make peers")
    from nltk.lm.preprocessing import padded_everygram_pipeline

    grams, words = padded_everygram_pipeline(order, sentences)
    model = getattr(models, name)(*settings, order=order)
    model.fit(grams, words)
    return model


@pytest.mark.parametrize(("smoothing", "name"), [("laplace", "Laplace"), ("lidstone", "Lidstone")])
def test_lidstone_equals_nltk(smoothing: SmoothingName, name: str) -> None:
    """Equal once V is: nltk counts <s> as a word that may be predicted, so its V is larger by one (ours has no unseen ids)."""
    random = np.random.default_rng(5)
    sentences = [[f"w{i}" for i in random.zipf(1.5, size=8) % 12] for _ in range(40)]
    peer = nltk_model(name, 2, sentences, *([0.1] if name == "Lidstone" else []))
    names = ["<UNK>", "</s>", *sorted({word for sentence in sentences for word in sentence}), "<s>"]
    tokenizer = IdsOnly(len(names), {"unknown": 0, "end": 1})  # <s> is an ordinary id here, never seen: as in nltk
    ids = {word: i for i, word in enumerate(names)}
    documents = [np.array([ids[word] for word in sentence]) for sentence in sentences]
    model = NgramLM(tokenizer, NgramConfig(order=2, smoothing=smoothing)).fit(documents)
    for context in names[2:-1]:
        ours = after(model, ids[context])
        np.testing.assert_allclose(ours, [peer.score(word, [context]) for word in names], atol=1e-6)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("smoothing", "name"), [("witten-bell", "WittenBellInterpolated"), ("absolute", "AbsoluteDiscountingInterpolated")]
)
def test_bigrams_equal_nltk_up_to_the_order_below(smoothing: SmoothingName, name: str) -> None:
    """nltk stops at relative frequencies of words (and counts <s>), we go on to the uniform distribution.

    Only order 2 is compared: its own share, p(w | h) - gamma(h) p(w), is the same in both.
    """
    random = np.random.default_rng(6)
    sentences = [[f"w{i}" for i in random.zipf(1.3, size=9) % 25] for _ in range(60)]
    names = ["<UNK>", "</s>", *sorted({word for sentence in sentences for word in sentence})]
    ids = {word: i for i, word in enumerate(names)}
    documents = [np.array([ids[word] for word in sentence]) for sentence in sentences]
    model = NgramLM(IdsOnly(len(names), {"unknown": 0, "end": 1}), NgramConfig(order=2, smoothing=smoothing)).fit(documents)
    discount = [model.discounts_[1, 0]] if smoothing == "absolute" else []
    settings = {"discount": discount[0]} if discount else {}
    peer = nltk_model(name, 2, sentences) if not settings else _discounted(name, sentences, settings["discount"])
    first = after(model)
    for context in names[2:]:
        ours = after(model, ids[context])
        weight = math.exp(model.trie_.backoffs[ids[context]])
        own = [peer.score(w, [context]) - weight * peer.unmasked_score(w) for w in names]  # type: ignore[attr-defined]
        np.testing.assert_allclose(ours - weight * first, own, atol=1e-6)


def _discounted(name: str, sentences: list[list[str]], discount: float) -> object:
    models = pytest.importorskip("nltk.lm", reason="nltk is in the group `peers`: make peers")
    from nltk.lm.preprocessing import padded_everygram_pipeline

    grams, words = padded_everygram_pipeline(2, sentences)
    model = getattr(models, name)(order=2, discount=discount)
    model.fit(grams, words)
    return model
