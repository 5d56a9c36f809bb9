"""WordVectors: looking up, searching in blocks, documents, distances, saved folders."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hornbook.core.artifact import writing
from hornbook.core.errors import ContentError, UsageError
from hornbook.embeddings import (
    Sif,
    SifConfig,
    SubwordConfig,
    Subwords,
    UnknownWordError,
    WordVectors,
    cloze_scorer,
    mean_vectors,
)
from hornbook.embeddings.search import neighbours, top_rows
from hornbook.scoring.cloze import ClozeItem, cloze_with


def made(count: int = 300, size: int = 12, seed: int = 1, **options) -> WordVectors:
    matrix = np.random.default_rng(seed).normal(size=(count, size)).astype(np.float32)
    return WordVectors([f"word{i}" for i in range(count)], matrix, **options)


def with_subwords() -> WordVectors:
    random = np.random.default_rng(3)
    subwords = Subwords(SubwordConfig(3, 4, 200), random.normal(size=(200, 12)).astype(np.float32))
    return made(40, subwords=subwords, counts=np.arange(40, 0, -1), context=random.normal(size=(40, 12)))


def test_an_unknown_word_is_a_key_error_that_names_near_spellings() -> None:
    vectors = WordVectors(["London", "river", "rivers", "bridge"], np.eye(4))
    with pytest.raises(KeyError) as caught:
        vectors["london"]
    assert isinstance(caught.value, UsageError) and isinstance(caught.value, UnknownWordError)
    assert str(caught.value) == "'london' is not among the 4 words of these vectors. Near it: London."
    with pytest.raises(UsageError, match=r"Near it: river, rivers\.$"):
        vectors.most_similar("rivr")
    with pytest.raises(UsageError, match=r"'字' is not among the 4 words of these vectors$"):
        vectors.similarity("字", "river")


def test_old_names_work_and_say_the_new_one() -> None:
    vectors = made(5)
    with pytest.warns(FutureWarning, match="index2word is an old name: it is called index_to_key now"):
        assert vectors.index2word == vectors.index_to_key
    with pytest.warns(FutureWarning):
        np.testing.assert_array_equal(vectors.word_vec("word2"), vectors["word2"])
    with pytest.raises(AttributeError):
        vectors.nothing_of_the_kind  # noqa: B018


@pytest.mark.parametrize("memory_mb", [1, 2, 128])
def test_search_in_blocks_finds_what_one_product_finds(memory_mb: int) -> None:
    vectors = made(5000, 8)
    queries = np.random.default_rng(2).normal(size=(70, 8)).astype(np.float32)
    rows, scores = top_rows(vectors, queries, 6, memory_mb=memory_mb)
    units = vectors.vectors / np.linalg.norm(vectors.vectors, axis=1, keepdims=True)
    cosines = queries / np.linalg.norm(queries, axis=1, keepdims=True) @ units.T
    np.testing.assert_array_equal(rows, np.argsort(-cosines, axis=1)[:, :6])
    np.testing.assert_allclose(scores, -np.sort(-cosines, axis=1)[:, :6], atol=1e-6)


def test_neighbours_leave_the_word_itself_out_and_obey_restrict_vocab() -> None:
    vectors = made(100)
    for word, found in zip(["word3", "word90"], vectors.neighbours(["word3", "word90"], 5, restrict_vocab=50), strict=True):
        assert len(found) == 5 and word not in dict(found)
        assert all(int(name.removeprefix("word")) < 50 for name, _ in found)
    assert vectors.neighbours([], 5) == []
    assert len(vectors.neighbours(["word1"], 500)[0]) == 99
    assert neighbours(vectors, vectors.vectors[:2], 1)[0][0][0] == "word0"  # a vector is no word: its own row counts


def test_zero_vectors_are_like_nothing() -> None:
    vectors = WordVectors(["a", "b", "zero"], np.array([[1.0, 0], [1, 1], [0, 0]]))
    assert vectors.similarity("a", "zero") == 0
    assert dict(vectors.most_similar("a"))["zero"] == 0
    assert np.isfinite(vectors.get_vector("zero", norm=True)).all()


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UsageError, match=r"vectors has the shape \(3, 2\), there are 2 words"):
        WordVectors(["a", "b"], np.zeros((3, 2)))
    with pytest.raises(UsageError, match="counts has the shape"):
        WordVectors(["a", "b"], np.zeros((2, 2)), counts=np.zeros(3))
    with pytest.raises(UsageError, match="context has the shape"):
        WordVectors(["a", "b"], np.zeros((2, 2)), context=np.zeros((2, 3)))
    with pytest.raises(ContentError, match="the word 'a' is there twice"):
        WordVectors(["a", "b", "a"], np.zeros((3, 2)))
    with pytest.raises(UsageError, match=r"a query has the shape \(3,\), these vectors have 12 dimensions"):
        made(5).similar_by_vector(np.ones(3))
    with pytest.raises(UsageError, match="nothing to compare with"):
        made(5).most_similar()


def test_vectors_are_read_only() -> None:
    vectors = made(5)
    with pytest.raises(ValueError, match="read-only"):
        vectors.vectors[0] = 0
    with pytest.raises(ValueError, match="read-only"):
        vectors["word1"][0] = 1


def test_unknown_words_get_a_vector_from_subwords() -> None:
    vectors = with_subwords()
    assert "unheard" in vectors and not vectors.has_index_for("unheard")
    np.testing.assert_array_equal(vectors["unheard"], vectors.subwords.vector("unheard"))
    assert np.linalg.norm(vectors.get_vector("unheard", norm=True)) == pytest.approx(1)
    assert len(vectors.most_similar("unheard", topn=3)) == 3
    assert "" not in vectors  # no n-grams


@pytest.mark.parametrize("make", [made, with_subwords])
def test_a_saved_folder_gives_everything_back_mapped(make, tmp_path: Path) -> None:
    vectors = make()
    vectors.facts["window"] = 5
    with writing(tmp_path / "saved") as folder:
        vectors.save_files(folder)
    back = WordVectors.load(tmp_path / "saved")
    assert (back.index_to_key, back.facts) == (vectors.index_to_key, vectors.facts)
    for name in ("vectors", "counts", "context"):
        assert (getattr(back, name) is None) == (getattr(vectors, name) is None)
        if getattr(back, name) is not None:
            np.testing.assert_array_equal(getattr(back, name), getattr(vectors, name))
    assert not back.vectors.flags.owndata  # a view of the mapped file
    if vectors.subwords is not None:
        np.testing.assert_array_equal(back["unheard"], vectors["unheard"])


def test_hornbook_load_opens_a_folder_and_safetensors_reads_its_weights(tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    import hornbook

    vectors = with_subwords()
    with writing(tmp_path / "saved") as folder:
        vectors.save_files(folder)
    np.testing.assert_array_equal(hornbook.load(tmp_path / "saved").vectors, vectors.vectors)
    tensors = load_file(tmp_path / "saved" / "model.safetensors")
    assert sorted(tensors) == ["buckets", "context", "counts", "vectors"]
    np.testing.assert_array_equal(tensors["counts"], vectors.counts)


def damage(folder: Path, what: str) -> None:
    config, words, weights = (folder / name for name in ("config.json", "words.txt", "model.safetensors"))
    record = json.loads(config.read_text())
    if what == "config missing":
        config.unlink()
    elif what == "config no JSON":
        config.write_text("{")
    elif what.startswith("config "):
        key, value = {
            "config more words": ("words", 41),
            "config negative": ("words", -1),
            "config huge": ("dimensions", 2**31 - 1),
            "config other kind": ("model_type", "gpt2"),
            "config key of the wrong kind": ("facts", 3),
            "config unknown key": ("colour", "red"),
            "config huge buckets": ("subwords", {"min_n": 3, "max_n": 4, "buckets": 2**31 - 1}),
            "config no subwords": ("subwords", None),
        }[what]
        config.write_text(json.dumps({**record, key: value}))
    elif what == "words missing":
        words.unlink()
    elif what == "word less":
        words.write_bytes(words.read_bytes().split(b"\n", 1)[1])
    elif what == "word twice":
        words.write_bytes(words.read_bytes().replace(b"word3\n", b"word4\n"))
    elif what == "weights cut":
        weights.write_bytes(weights.read_bytes()[:-100])
    elif what == "weights empty":
        weights.write_bytes(b"")
    elif what == "header length":
        weights.write_bytes(b"\xff" * 8 + weights.read_bytes()[8:])
    elif what == "nan":
        data = bytearray(weights.read_bytes())
        data[-4:] = np.float32(np.nan).tobytes()
        weights.write_bytes(data)
    else:
        raise AssertionError(what)


DAMAGES = [
    "config missing", "config no JSON", "config more words", "config negative", "config huge", "config other kind",
    "config key of the wrong kind", "config unknown key", "config huge buckets", "config no subwords", "words missing",
    "word less", "word twice", "weights cut", "weights empty", "header length", "nan",
]  # fmt: skip


@pytest.mark.parametrize("what", DAMAGES)
def test_a_damaged_folder_is_named_in_one_line(what: str, tmp_path: Path) -> None:
    with_subwords().save_files(tmp_path)
    damage(tmp_path, what)
    with pytest.raises(ContentError) as caught:
        WordVectors.load(tmp_path)
    assert str(tmp_path) in str(caught.value) and "\n" not in str(caught.value)


def test_a_word_with_a_line_break_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match=r"'a\\nb' cannot be saved"):
        WordVectors(["a\nb"], np.ones((1, 2))).save_files(tmp_path)


def test_word_movers_distance_on_a_worked_example() -> None:
    # a square of side 1; half of the first document moves along a side, half stays
    vectors = WordVectors(["a", "b", "c", "d"], np.array([[0.0, 0], [1, 0], [0, 1], [1, 1]]))
    assert vectors.wmdistance(["a", "b"], ["b", "d"], norm=False) == pytest.approx(0.5 * math.sqrt(2))
    assert vectors.wmdistance(["a", "b"], ["c", "b"], norm=False) == pytest.approx(0.5)
    assert vectors.wmdistance(["a", "a", "b"], ["d"], norm=False) == pytest.approx((2 * math.sqrt(2) + 1) / 3)
    assert vectors.wmdistance(["a"], ["nothing"]) == math.inf


def test_means_of_documents() -> None:
    vectors = made(20)
    documents = [["word1", "word2", "unknown"], [], ["unknown"], ["word3"] * 3]
    means = mean_vectors(vectors, documents)
    np.testing.assert_allclose(means[0], (vectors["word1"] + vectors["word2"]) / 2, atol=1e-6)
    np.testing.assert_array_equal(means[1:3], 0)
    np.testing.assert_allclose(means[3], vectors["word3"], atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(mean_vectors(vectors, [["word5"]], normalise=True)), 1, atol=1e-6)
    assert mean_vectors(vectors, []).shape == (0, 12)
    with pytest.raises(ContentError, match="a document is a list of words"):
        mean_vectors(vectors, ["a text"])
    helped = with_subwords()
    np.testing.assert_allclose(
        mean_vectors(helped, [["word1", "unheard"]])[0], (helped["word1"] + helped["unheard"]) / 2, atol=1e-6
    )


def test_sif_is_the_formula(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(4)
    vectors = made(50, counts=random.integers(1, 1000, size=50))
    documents = [[f"word{i}" for i in random.integers(0, 55, size=random.integers(1, 9))] for _ in range(80)]
    weights = 1e-2 / (1e-2 + vectors.counts / vectors.counts.sum())
    expected = np.zeros((80, 12))
    for row, document in zip(expected, documents):
        known = [vectors.key_to_index[word] for word in document if word in vectors]
        if known:
            row[:] = (vectors.vectors[known] * weights[known, None]).sum(axis=0) / len(known)
    component = np.linalg.svd(expected, full_matrices=False)[2][0]
    expected -= expected @ component[:, None] * component
    monkeypatch.setattr("hornbook.embeddings.documents._WORDS_AT_ONCE", 64)  # several batches
    sif = Sif(vectors, SifConfig(a=1e-2)).fit(documents)
    np.testing.assert_allclose(sif.transform(documents), expected, atol=1e-5)
    np.testing.assert_allclose(sif.transform(documents[3:4]), expected[3:4], atol=1e-5)  # new text, same components
    with pytest.raises(UsageError, match="not fitted"):
        Sif(vectors).transform(documents)
    with pytest.raises(ContentError, match="none of those given has a known word"):
        Sif(vectors).fit([["unknown"]])


def test_sif_without_counts_learns_them_from_the_documents() -> None:
    vectors = made(5)
    sif = Sif(vectors, SifConfig(a=0.1, components=0)).fit(iter([["word0", "word0", "word1"], ["word0"]]))
    np.testing.assert_allclose(sif.weights_[:3], [0.1 / 0.85, 0.1 / 0.35, 1.0], rtol=1e-6)


def test_cloze_is_answered_by_what_stands_near() -> None:
    words = ["cat", "purrs", "dog", "barks", "the"]
    inputs = np.array([[3.0, 0], [3, 0], [0, 3], [0, 3], [0.1, 0.1]])
    items = [ClozeItem("the ", " purrs", ("dog", "cat", "zebra"), 1), ClozeItem("the ", " barks", ("dog", "cat", "zebra"), 0)]
    for context in (inputs, None):
        vectors = WordVectors(words, inputs, context=context, counts=np.array([5, 4, 3, 2, 90]))
        scores = cloze_scorer(vectors, str.split)(items)
        assert scores.shape == (2, 3) and (scores[:, 2] == -np.inf).all()
        assert cloze_with(cloze_scorer(vectors, str.split), items).accuracy == 1


def test_nothing_heavy_is_imported_by_name() -> None:
    code = (
        "import sys, hornbook.embeddings as e; e.WordVectors; e.load_vectors; e.evaluate_vectors; e.Sif;"
        "sys.exit(bool({'numba', 'torch', 'gensim', 'scipy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
