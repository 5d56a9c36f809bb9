"""Tests of vectors: files read, numbers that can be checked by hand, the test made from a user's own text."""

from __future__ import annotations

import lzma
import os
import re
from pathlib import Path

import numpy as np
import pytest

from hornbook.core.errors import ContentError, UsageError
from hornbook.embeddings import WordVectors, evaluate_vectors
from hornbook.embeddings.intrinsic import (
    answer_analogies,
    as_record,
    evaluate_analogies,
    evaluate_pairs,
    guess_test,
    read_pairs,
)
from hornbook.embeddings.statistics import correlation_interval, incomplete_beta, pearson, ranks, share_interval, spearman
from hornbook.embeddings.triplets import Triplet, build_triplets, triplet_accuracy

CAPITALS = WordVectors(
    ["france", "paris", "japan", "tokyo", "cat", "Paris", "kitten"],
    np.array([[1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 1, 1, 0], [0, 0, 0, 1], [1, 1.1, 0, 0], [0, 1, 0, 1]]),
)


def test_an_analogy_by_hand() -> None:
    question = ("france", "paris", "japan", "tokyo")
    assert answer_analogies(CAPITALS, [question, ("france", "paris", "japan", "cat"), ("x", "paris", "japan", "cat")]) == [
        1,
        0,
        -1,
    ]
    assert answer_analogies(CAPITALS, [question], "3cosmul") == [1]
    # the words of a question are no answer, nor is one in another case
    assert answer_analogies(CAPITALS, [("cat", "kitten", "france", "paris"), ("japan", "japan", "paris", "Paris")]) == [1, 0]
    with pytest.raises(UsageError, match="choose 3cosadd or 3cosmul"):
        answer_analogies(CAPITALS, [question], "3cosdiv")  # type: ignore[arg-type]


def test_sections_count_what_is_unknown() -> None:
    sections = {"capitals": [("france", "paris", "japan", "tokyo"), ("france", "paris", "peru", "lima")], "empty": []}
    result = evaluate_analogies(CAPITALS, sections)
    assert (result["capitals"].score, result["capitals"].covered, result["capitals"].total) == (1.0, 1, 2)
    assert result["capitals"].coverage == 0.5
    assert np.isnan(result["empty"].score)
    assert evaluate_analogies(CAPITALS, sections, restrict_vocab=3)["capitals"].covered == 0


def test_files_give_results_under_known_names(tmp_path: Path) -> None:
    (tmp_path / "questions-words.txt").write_text(
        ": capital\nFrance Paris Japan Tokyo\n: gram1-odd\ncat kitten france paris\ncat kitten peru lima\n"
    )
    (tmp_path / "EN-WS-353-ALL.txt").write_text(
        "cat\tkitten\t9\nfrance\tparis\t8\ncat\tfrance\t1\njapan\ttokyo\t7\nx\tcat\t2\n"
    )
    (tmp_path / "my pairs.csv").write_text("word1,word2,score\ncat,kitten,9\nfrance,paris,8\ncat,france,1\n")
    (tmp_path / "README.md").write_text("nothing\n")
    notes = []
    results = evaluate_vectors(CAPITALS, [tmp_path], log=notes.append)
    assert sorted(results) == ["analogy_semantic", "analogy_syntactic", "my_pairs", "wordsim353"]
    assert results["analogy_semantic"].score == results["analogy_syntactic"].score == 1
    assert (results["analogy_syntactic"].covered, results["analogy_syntactic"].total) == (1, 2)
    assert (results["wordsim353"].covered, results["wordsim353"].total) == (4, 5)
    assert "read as a test of similarity, named wordsim353" in notes[0].text
    record = as_record(results)
    assert record["wordsim353_coverage"] == 0.8 and record["wordsim353_n"] == 4 and len(record["wordsim353_ci95"]) == 2


def test_files_that_are_no_tests(tmp_path: Path) -> None:
    (tmp_path / "prose.txt").write_text("There is nothing to see here.\n")
    with pytest.raises(ContentError, match="is no test of word vectors"):
        guess_test(tmp_path / "prose.txt")
    (tmp_path / "bad.txt").write_text("a\tb\t1\na\tb\n")
    with pytest.raises(ContentError, match="line 2: expected two words and a number, found 'a\tb'"):
        read_pairs(tmp_path / "bad.txt")
    with pytest.raises(UsageError, match="does not exist"):
        evaluate_vectors(CAPITALS, [tmp_path / "nowhere.txt"])
    with pytest.raises(ContentError, match="no test of word vectors in"):
        evaluate_vectors(CAPITALS, [])


def test_every_public_test_is_read() -> None:
    data = Path(os.environ.get("HORNBOOK_DATA", Path(__file__).parents[3].parent / "shared" / "data")) / "word-eval"
    if not data.is_dir():
        pytest.skip(f"{data} is absent: set HORNBOOK_DATA to the folder that holds word-eval/")
    results = evaluate_vectors(CAPITALS, [data])
    assert {name: result.total for name, result in results.items()} == {
        "analogy_semantic": 8869, "analogy_syntactic": 10675, "mc30": 30, "men": 3000, "mturk287": 287, "mturk771": 771,
        "rare_words": 2034, "rg65": 65, "simlex999": 999, "simverb3500": 3500, "verb143": 144, "wordsim353": 353,
        "wordsim353_relatedness": 252, "wordsim353_similarity": 203, "yp130": 130, "ca8_morphological": 10177,
        "ca8_semantic": 7636, "cwe_analogy": 953, "wordsim240": 240, "wordsim297": 297,
    }  # fmt: skip


def test_too_few_pairs_give_no_number() -> None:
    result = evaluate_pairs(CAPITALS, [("cat", "kitten", 9.0), ("x", "y", 1.0)])
    assert np.isnan(result.score) and result.covered == 1
    assert as_record({"pairs": result})["pairs"] is None


def test_statistics_are_those_of_scipy() -> None:
    stats = pytest.importorskip("scipy.stats", reason="scipy comes with gensim")
    special = pytest.importorskip("scipy.special")
    random = np.random.default_rng(1)
    for count in (3, 4, 10, 353):
        x, y = random.integers(0, 8, size=count).astype(float), random.normal(size=count)
        y += x * random.normal()
        np.testing.assert_allclose(pearson(x, y), tuple(stats.pearsonr(x, y)), atol=1e-10)
        np.testing.assert_allclose(ranks(x), stats.rankdata(x))
        rho, p = stats.spearmanr(x, y)
        assert spearman(x, y) == (pytest.approx(rho), pytest.approx(p, abs=1e-10))
    for a, b, x in random.random((50, 3)) * [20, 20, 1]:
        assert incomplete_beta(a, b, x) == pytest.approx(special.betainc(a, b, x), abs=1e-12)
    low, high = stats.binomtest(30, 70).proportion_ci(method="wilson")
    assert share_interval(30, 70) == (pytest.approx(low, abs=1e-6), pytest.approx(high, abs=1e-6))


def test_intervals_hold_the_value_and_shrink() -> None:
    wide, narrow = correlation_interval(0.6, 30), correlation_interval(0.6, 3000)
    assert wide[0] < narrow[0] < 0.6 < narrow[1] < wide[1]
    assert correlation_interval(1.0, 30)[1] <= 1 and correlation_interval(0.5, 3) == (-1.0, 1.0)
    assert share_interval(0, 0) == (0.0, 1.0)


def topics(seed: int, sentences: int) -> tuple[dict[str, int], list[list[str]], dict[str, int]]:
    """Sentences that each speak of one of twenty topics, counts of a training text, and each word's topic."""
    random = np.random.default_rng(seed)
    stems = [f"{a}{b}{c}" for a in "bdfgklmnprstvz" for b in "aeiou" for c in "bdfgklmnpr"]
    names = random.permutation(stems)[:400]
    topic = {str(word): i % 20 for i, word in enumerate(names)}
    groups = [[word for word, own in topic.items() if own == t] for t in range(20)]
    text = [[str(word) for word in random.choice(groups[random.integers(20)], size=8)] for _ in range(sentences)]
    counts = {word: int(n) for word, n in zip(topic, random.integers(50, 60, size=400))}
    return {**counts, "the": 100_000}, text, topic


def test_triplets_separate_vectors_that_know_from_those_that_do_not() -> None:
    counts, text, topic = topics(1, 3000)
    triplets = build_triplets(counts, text, number=500)
    assert len(triplets) == 500 and build_triplets(counts, text, number=500) == triplets  # the same for the same seed
    assert all(topic[t.word] == topic[t.neighbour] != topic[t.distractor] for t in triplets)
    assert not any(t.word[:2] == t.neighbour[:2] for t in triplets)  # no help from spelling
    random = np.random.default_rng(2)
    words, noise = list(topic), random.normal(size=(400, 30))
    known = random.normal(size=(20, 30))[[topic[word] for word in words]] + 0.5 * noise
    frequency = np.log([counts[word] for word in words])[:, None] * np.ones(30) + noise
    assert triplet_accuracy(WordVectors(words, known), triplets).score > 0.95
    for blind in (noise, frequency):
        assert abs(triplet_accuracy(WordVectors(words, blind), triplets).score - 0.5) < 0.07  # three standard errors
    half = triplet_accuracy(WordVectors(words[:300], known[:300]), triplets)
    assert half.coverage < 0.6 and half.total == 500


def test_triplets_need_text() -> None:
    with pytest.raises(ContentError, match="the held-out text is too small"):
        build_triplets({"a": 5, "b": 5}, [["a", "b"]])
    assert triplet_accuracy(CAPITALS, [Triplet("cat", "kitten", "france")]).score == 1


@pytest.mark.slow
def test_triplets_of_real_text_rank_vectors_as_training_does() -> None:
    """Random vectors at chance, five epochs better than one, on 2.5 million words of books and 3 books held out."""
    from hornbook.embeddings import Word2Vec, Word2VecConfig

    data = Path(os.environ.get("HORNBOOK_DATA", Path(__file__).parents[3].parent / "shared" / "data")) / "books-en"
    if not data.is_dir():
        pytest.skip(f"{data} is absent: set HORNBOOK_DATA to the folder that holds books-en/")
    train, heldout = (sentences_of_books(data / f"{split}.txt.xz", 14_000_000) for split in ("train", "valid"))
    scores = {}
    for epochs in (1, 5):
        vectors = Word2Vec(Word2VecConfig(epochs=epochs)).fit(train).vectors_
        triplets = build_triplets(dict(zip(vectors.index_to_key, vectors.counts.tolist())), heldout)
        scores[epochs] = triplet_accuracy(vectors, triplets)
    assert scores[1].covered == scores[5].covered == 2000
    assert 0.6 < scores[1].score + 0.02 < scores[5].score
    noise = WordVectors(vectors.index_to_key, np.random.default_rng(1).normal(size=vectors.vectors.shape))
    assert abs(triplet_accuracy(noise, triplets).score - 0.5) < 0.035  # three standard errors


def sentences_of_books(path: Path, characters: int) -> list[list[str]]:
    with lzma.open(path, "rt", encoding="utf8") as file:
        lines = re.split(r"(?<=[.!?])\s|\n", file.read(characters).lower())
    return [words for line in lines if (words := re.findall(r"[^\W\d_]+(?:['’][^\W\d_]+)*", line))]
