"""WordVectors against gensim's KeyedVectors: the same answers to the same questions, the same files."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from hornbook.embeddings.vectors import WordVectors

keyedvectors = pytest.importorskip("gensim.models.keyedvectors", reason="gensim is in the group `peers`: make peers")


def words_and_matrix(seed: int = 1, count: int = 400, size: int = 24) -> tuple[list[str], np.ndarray]:
    """Words of mixed case around a few centres, so that analogies have right answers."""
    random = np.random.default_rng(seed)
    stems = [f"{a}{b}" for a, b in itertools.product("bcdfgklmnp", "aeiou")]
    roots, endings = random.normal(size=(len(stems), size)), random.normal(size=(8, size))
    rows = {f"{stem}{ending}": roots[i] + endings[j] for i, stem in enumerate(stems) for j, ending in enumerate("rstvwxyz")}
    names = list(rows)
    random.shuffle(names)
    words = [name.title() if i % 3 == 0 else name for i, name in enumerate(names)][:count]
    words[7] = words[5].swapcase()  # one word in two cases
    matrix = np.stack([rows[word.lower()] for word in words]) + random.normal(size=(len(words), size)) * 0.7
    return words, matrix.astype(np.float32)


@pytest.fixture(scope="module")
def both() -> tuple[WordVectors, object]:
    words, matrix = words_and_matrix()
    peer = keyedvectors.KeyedVectors(matrix.shape[1])
    peer.add_vectors(words, matrix)
    return WordVectors(words, matrix), peer


def assert_same_list(ours: list[tuple[str, float]], theirs: list[tuple[str, float]]) -> None:
    assert [word for word, _ in ours] == [word for word, _ in theirs]
    np.testing.assert_allclose([score for _, score in ours], [score for _, score in theirs], atol=2e-6)


def test_most_similar(both) -> None:
    ours, peer = both
    word = ours.index_to_key
    vector = ours.vectors[3] + ours.vectors[9]
    for arguments in (
        {"positive": word[3]},
        {"positive": [word[3], word[10]], "negative": [word[20]]},
        {"positive": [(word[3], 0.5), word[10]], "negative": [(word[20], -2.0)], "topn": 3},
        {"positive": [vector, word[4]], "negative": [word[5]]},
        {"positive": vector, "topn": 20},
        {"positive": [5], "restrict_vocab": 60},
        {"positive": word[3], "clip_start": 100, "clip_end": 300, "topn": 4},
        {"positive": word[3], "topn": 1000},
    ):
        assert_same_list(ours.most_similar(**arguments), peer.most_similar(**arguments))
    np.testing.assert_allclose(ours.most_similar(word[8], topn=None), peer.most_similar(word[8], topn=None), atol=2e-6)
    assert ours.most_similar(word[8], topn=0) == peer.most_similar(word[8], topn=0) == []


def test_other_searches(both) -> None:
    ours, peer = both
    a, b, c, d = ours.index_to_key[:4]
    assert_same_list(ours.most_similar_cosmul([a, b], [c]), peer.most_similar_cosmul([a, b], [c]))
    assert_same_list(ours.most_similar_cosmul(a), peer.most_similar_cosmul(a))
    assert_same_list(ours.similar_by_word(a, topn=5), peer.similar_by_word(a, topn=5))
    assert_same_list(ours.similar_by_key(a, topn=5), peer.similar_by_key(a, topn=5))
    assert_same_list(ours.similar_by_vector(ours[b]), peer.similar_by_vector(peer[b]))
    assert ours.most_similar_to_given(a, [b, c, d]) == peer.most_similar_to_given(a, [b, c, d])
    assert ours.closer_than(a, b) == peer.closer_than(a, b)
    assert ours.rank(a, d) == peer.rank(a, d)
    assert ours.doesnt_match([a, b, c, d, "unknown"]) == peer.doesnt_match([a, b, c, d, "unknown"])
    for found, expected in zip(ours.rank_by_centrality([a, b, c]), peer.rank_by_centrality([a, b, c]), strict=True):
        assert found == (pytest.approx(float(expected[0]), abs=2e-6), expected[1])


def test_neighbours_of_many_are_most_similar_of_each(both) -> None:
    ours, peer = both
    batched = ours.neighbours(ours.index_to_key, 7, memory_mb=1)
    for word, found in zip(ours.index_to_key, batched, strict=True):
        assert_same_list(found, peer.most_similar(word, topn=7))
    assert_same_list(ours.neighbours(ours.vectors[5:6] * 3, 4)[0], peer.similar_by_vector(peer.vectors[5], topn=4))


def test_comparisons(both) -> None:
    ours, peer = both
    a, b, c, d = ours.index_to_key[:4]
    assert ours.similarity(a, b) == pytest.approx(float(peer.similarity(a, b)), abs=2e-6)
    assert ours.distance(a, b) == pytest.approx(float(peer.distance(a, b)), abs=2e-6)
    assert ours.n_similarity([a, b], [c, d, a]) == pytest.approx(float(peer.n_similarity([a, b], [c, d, a])), abs=2e-6)
    np.testing.assert_allclose(ours.distances(a), peer.distances(a), atol=2e-6)
    np.testing.assert_allclose(ours.distances(a, [b, c]), peer.distances(a, [b, c]), atol=2e-6)
    np.testing.assert_allclose(ours.get_vector(a, norm=True), peer.get_vector(a, norm=True), atol=2e-7)
    np.testing.assert_allclose(ours.get_normed_vectors(), peer.get_normed_vectors(), atol=2e-7)
    np.testing.assert_array_equal(ours[[a, b]], peer[[a, b]])
    for options in ({}, {"weights": [1.0, -2.0, 0.5]}, {"pre_normalize": False}, {"post_normalize": True}):
        np.testing.assert_allclose(
            ours.get_mean_vector([a, b, c], **options), peer.get_mean_vector([a, b, c], **options), atol=1e-6
        )
    assert (a in ours, "unknown" in ours, ours.key_to_index) == (True, False, peer.key_to_index)


@pytest.mark.parametrize("options", [{}, {"dummy4unknown": True}, {"case_insensitive": False}, {"restrict_vocab": 250}])
def test_analogies_and_pairs(both, options: dict, tmp_path: Path) -> None:
    ours, peer = both
    random, lines, pairs = np.random.default_rng(5), [], []
    stems = sorted({word[:2].lower() for word in ours.index_to_key})
    for section, (x, y) in (("plain", "rs"), ("gram-mar", "tv")):
        lines.append(f": {section}")
        for first, second in itertools.islice(itertools.permutations(stems, 2), 0, None, 11):
            lines.append(f"{first}{x} {first}{y} {second}{x} {second}{y}")
    (tmp_path / "analogies.txt").write_text("\n".join(lines) + "\n")
    for first, second in random.choice(ours.index_to_key, size=(60, 2)):
        pairs.append(f"{first}\t{second}\t{random.random():.3f}")
    pairs += ["# a remark", "unknown\tword\t3.5", "not a pair"]
    (tmp_path / "pairs.tsv").write_text("\n".join(pairs) + "\n")
    score, sections = ours.evaluate_word_analogies(tmp_path / "analogies.txt", **options)
    expected, expected_sections = peer.evaluate_word_analogies(str(tmp_path / "analogies.txt"), **options)
    assert sections == expected_sections
    assert score == expected
    assert options.get("case_insensitive") is False or 0.2 < score < 1  # neither all right nor all wrong
    found, reference = (
        ours.evaluate_word_pairs(tmp_path / "pairs.tsv", **options),
        peer.evaluate_word_pairs(str(tmp_path / "pairs.tsv"), **options),
    )
    np.testing.assert_allclose(found[0], tuple(reference[0]), atol=1e-6)
    np.testing.assert_allclose(found[1], tuple(reference[1]), atol=1e-6)
    assert found[2] == pytest.approx(reference[2])


def test_analogies_by_products_rank_as_most_similar_cosmul(both) -> None:
    from hornbook.embeddings.intrinsic import answer_analogies

    ours, peer = both
    random = np.random.default_rng(3)
    for a, b, c in random.choice(ours.index_to_key, size=(40, 3)):
        if len({word.lower() for word in (a, b, c)}) == 3:
            answer = next(
                w for w, _ in peer.most_similar_cosmul([b, c], [a]) if w.lower() not in (a.lower(), b.lower(), c.lower())
            )
            assert answer_analogies(ours, [(a, b, c, answer)], "3cosmul") == [1]


def test_word_movers_distance_is_the_optimum_of_the_linear_program(both) -> None:
    linprog = pytest.importorskip("scipy.optimize", reason="scipy comes with gensim").linprog
    ours, _ = both
    random = np.random.default_rng(2)
    for _ in range(20):
        first, second = (list(random.choice(ours.index_to_key[:60], size=random.integers(1, 15))) for _ in range(2))
        words = sorted(set(first)), sorted(set(second))
        rows = [np.stack([ours.get_vector(word, norm=True) for word in own]).astype(float) for own in words]
        costs = np.linalg.norm(rows[0][:, None] - rows[1][None], axis=2)
        masses = [np.array([own.count(word) / len(own) for word in known]) for own, known in zip((first, second), words)]
        n, m = costs.shape
        equal = np.concatenate([np.kron(np.eye(n), np.ones(m)), np.kron(np.ones(n), np.eye(m))])
        optimum = linprog(costs.ravel(), A_eq=equal, b_eq=np.concatenate(masses)).fun
        assert ours.wmdistance(first, second) == pytest.approx(optimum, abs=1e-6)
    assert ours.wmdistance(["unknown"], first) == float("inf")
    assert ours.wmdistance(first, [*first, "unknown"]) == 0.0


@pytest.mark.parametrize("binary", [False, True])
def test_files_of_each_are_read_by_the_other(both, binary: bool, tmp_path: Path) -> None:
    ours, peer = both
    peer.save_word2vec_format(str(tmp_path / "theirs"), binary=binary)
    read = WordVectors.load_word2vec_format(tmp_path / "theirs")
    assert read.index_to_key == peer.index_to_key
    np.testing.assert_array_equal(read.vectors, peer.vectors)
    ours.save_word2vec_format(tmp_path / "ours", binary=binary)
    back = keyedvectors.KeyedVectors.load_word2vec_format(str(tmp_path / "ours"), binary=binary)
    assert back.index_to_key == ours.index_to_key
    np.testing.assert_array_equal(back.vectors, ours.vectors)
    assert_same_list(ours.most_similar(positive=[0]), back.most_similar(positive=[0]))


def test_glove_layout_is_read_by_gensim(both, tmp_path: Path) -> None:
    ours, _ = both
    ours.save_word2vec_format(tmp_path / "glove.txt", write_header=False)
    back = keyedvectors.KeyedVectors.load_word2vec_format(str(tmp_path / "glove.txt"), no_header=True)
    np.testing.assert_array_equal(back.vectors, ours.vectors)
    np.testing.assert_array_equal(
        WordVectors.load_word2vec_format(tmp_path / "glove.txt", no_header=True).vectors, ours.vectors
    )
