"""Deduplication: equal and nearly equal texts found, others kept, the first of a cluster stays, memory bounded."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hornbook.core.errors import UsageError
from hornbook.corpus import dedup as room
from hornbook.corpus.dedup import DedupConfig, Deduplicator, content_hash, folded
from hornbook.corpus.minhash import SLICE, MinHasher, choose_bands, exact_jaccard, similarity


def run(folder, texts, **options):
    with Deduplicator(folder, DedupConfig(**options)) as dedup:
        for text in texts:
            dedup.add(text)
        result = dedup.finish()
    assert not any(folder.iterdir())  # no scratch file stays
    return result


def sentence(generator, words=60):
    return " ".join(f"w{number}" for number in generator.integers(0, 3000, words))


def characters(generator, count=200):
    return "".join(chr(0x4E00 + number) for number in generator.integers(0, 2000, count))


def edited(generator, text, changes, unspaced):
    units = list(text) if unspaced else text.split()
    for place in generator.integers(0, len(units), changes):
        units[place] = "改" if unspaced else "edited"
    return ("" if unspaced else " ").join(units)


def test_equal_up_to_width_and_whitespace(tmp_path):
    texts = ["Hello,  world\n", "hello, world", "Ｈｅｌｌｏ， world", " Hello, world", "再见", "再見", "再见 "]
    result = run(tmp_path, texts, near=False)
    assert result.keep.tolist() == [True, True, False, False, True, True, False]
    assert result.exact == 3 and result.near == 0 and result.documents == 7 and result.clusters == 2
    assert result.exact_bytes == sum(len(texts[index].encode()) for index in (2, 3, 6))
    assert result.largest_cluster == 3
    assert folded("ａ \n b\u3000c") == "a b c"


@pytest.mark.parametrize("unspaced", [False, True])
def test_planted_near_duplicates(tmp_path, unspaced):
    """Against exact Jaccard: all pairs above 0.9 found, none below 0.65, nine of ten decisions right around 0.8."""
    generator = np.random.default_rng(5)
    make = characters if unspaced else sentence
    texts, truth = [], []
    for _ in range(400):
        text = make(generator)
        copy = edited(generator, text, int(generator.integers(0, 8)), unspaced)
        truth.append(exact_jaccard(text, copy))
        texts += [text, copy]
    result = run(tmp_path, texts, exact=False)
    assert result.keep[::2].all()
    removed, overlap = ~result.keep[1::2], np.array(truth)
    assert removed[overlap >= 0.9].all() and not removed[overlap <= 0.65].any()
    clear = np.abs(overlap - 0.8) > 0.04
    assert clear.sum() > 200
    right = (removed == (overlap >= 0.8))[clear]
    assert right.mean() > 0.95
    assert result.clusters == removed.sum()
    for kept, gone, estimate in result.examples:
        assert gone == kept + 1 and abs(estimate - truth[kept // 2]) < 0.15


def test_the_estimate_is_as_sharp_as_permutations_promise():
    generator = np.random.default_rng(2)
    hasher = MinHasher()
    for words in (5, 12, 60, 400, 5000):
        errors = []
        for _ in range(40):
            text = sentence(generator, words)
            copy = edited(generator, text, max(1, words // 40), unspaced=False)
            signatures = hasher.signatures([text, copy])
            errors.append(float(similarity(signatures[0], signatures[1])) - exact_jaccard(text, copy))
        assert abs(np.mean(errors)) < 0.02
        assert np.std(errors) < 1.3 * np.sqrt(0.25 / 128)


def test_overlap_of_a_hand_counted_pair():
    # the five-word sequences of "a b c d e f g": abcde bcdef cdefg; of "a b c d e f x": abcde bcdef cdefx
    assert exact_jaccard("a b c d e f g", "A, b c d e; f x!") == 2 / 4
    assert exact_jaccard("一二三四五六", "一二三四五") == 1 / 2
    assert exact_jaccard("one two", "one three") == 0
    assert exact_jaccard("***", "---") == 0 and exact_jaccard("***", "***") == 1


@given(st.text(max_size=40))
@settings(max_examples=80, deadline=None)
def test_a_signature_depends_on_the_text_only(text):
    hasher = MinHasher(permutations=32)
    alone = hasher.signatures([text])[0]
    assert np.array_equal(hasher.signatures(["other", text, ""])[1], alone)
    assert np.array_equal(hasher.signatures([f"\n{text} "])[0], alone)


def test_long_texts_are_sketched_in_slices(tmp_path):
    generator = np.random.default_rng(3)
    long = sentence(generator, 300_000)
    assert len(long) > SLICE
    changed = edited(generator, long, 3000, unspaced=False)
    repeated = "same words again and again " * 60_000
    hasher = MinHasher()
    signatures = hasher.signatures([long, changed, repeated, repeated + "end"])
    assert abs(float(similarity(signatures[0], signatures[1])) - exact_jaccard(long, changed)) < 0.12
    assert similarity(signatures[2], signatures[3]) > 0.5 > similarity(signatures[0], signatures[2])
    assert content_hash(long) == content_hash(long.replace(" ", " \n ")) != content_hash(changed)
    result = run(tmp_path, [long, changed, long + "\n", repeated])
    assert result.keep.tolist() == [True, False, False, True] and result.exact == 1 and result.near == 1


def test_little_memory_gives_the_same_answer(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "_SIGNED_AT_ONCE", 7)
    generator = np.random.default_rng(4)
    texts = []
    for _ in range(3000):
        texts.append(
            sentence(generator, 30) if len(texts) < 100 or generator.random() < 0.5 else texts[generator.integers(len(texts))]
        )
    with Deduplicator(tmp_path / "a", DedupConfig(memory_mb=500)) as plenty, Deduplicator(tmp_path / "b") as little:
        little.memory_bytes = 10_000  # some hundred documents at once
        for text in texts:
            plenty.add(text)
            little.add(text)
        first, second = plenty.finish(), little.finish()
    assert np.array_equal(first.keep, second.keep) and first.as_dict() == second.as_dict()
    expected = [texts.index(text) == number for number, text in enumerate(texts)]
    assert first.keep.tolist() == expected


def test_a_large_family_keeps_its_first_member(tmp_path):
    generator = np.random.default_rng(6)
    text = sentence(generator, 300)
    family = [edited(generator, text, 2, unspaced=False) for _ in range(200)]
    result = run(tmp_path, ["something else altogether", *family])
    assert result.keep.tolist() == [True, True] + [False] * 199
    assert result.largest_cluster == 200


@pytest.mark.parametrize("texts", [[], [""], ["one"], ["", "", ""]])
def test_tiny_corpora(tmp_path, texts):
    result = run(tmp_path, texts)
    assert result.keep.sum() == min(1, len(texts)) and result.documents == len(texts)


def test_bands():
    assert choose_bands(128, 0.8) == (16, 8)
    bands, rows = choose_bands(128, 0.5)
    assert bands * rows <= 128 and 1 - (1 - 0.5**rows) ** bands >= 0.9


def test_refusals():
    with pytest.raises(UsageError, match="threshold"):
        DedupConfig(threshold=1.5)
    with pytest.raises(UsageError, match="permutations"):
        DedupConfig(permutations=4)
