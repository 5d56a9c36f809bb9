from __future__ import annotations

import numpy as np
import pytest

from hornbook.statistical.features import FeatureConfig, HashedFeatures, SparseRows

COUNTS = FeatureConfig(words=0, characters=1, unspaced=1, term="count", idf=False, norm="none", bits=16)


def counted(text: str, **changes: object) -> list[float]:
    config = FeatureConfig(**{**COUNTS.__dict__, **changes})  # type: ignore[arg-type]
    return sorted(HashedFeatures(config).fit_transform([text]).values.tolist(), reverse=True)


def test_words_characters_and_unspaced_text_are_counted_by_their_rules() -> None:
    assert counted("aab b") == [2, 2]
    assert counted("b", characters=3) == [1, 1, 1, 1]  # b, _b, b_, _b_
    assert counted("中文中") == [2, 1]
    assert counted("中文中", unspaced=2) == [2, 1, 1, 1]
    assert counted("to be to", words=1, characters=0) == [2, 1]
    assert counted("to be to", words=2, characters=0) == [2, 1, 1, 1, 1]  # to be start-to to-be be-to
    assert counted("wow!!", words=1, characters=0) == [1, 1]
    assert counted("Wow wow", words=1, characters=0) == [2]
    assert counted("Wow wow", words=1, characters=0, lowercase=False) == [1, 1]
    assert counted(" \t\n\u3000") == []


def test_the_same_text_gives_the_same_row_wherever_it_stands() -> None:
    texts = [f"text number {i} 第{i}句" for i in range(50)]
    features = HashedFeatures(FeatureConfig(bits=14))
    rows = features.fit_transform(texts)
    again = features.transform(texts[::-1])
    for i in range(50):
        one, other = rows.select(np.array([i])), again.select(np.array([49 - i]))
        np.testing.assert_array_equal(one.columns, other.columns)
        np.testing.assert_array_equal(one.values, other.values)


def test_characters_inside_words_have_their_weight_and_rows_length_one() -> None:
    features = HashedFeatures(FeatureConfig(bits=16))
    rows = features.fit_transform(["one two three", "two", "中文", "one 中文"])
    words = np.searchsorted(features.buckets_, 1 << 15)
    for i in range(4):
        part = slice(rows.starts[i], rows.starts[i + 1])
        values, columns = rows.values[part], rows.columns[part]
        assert np.sum(values**2) == pytest.approx(1, abs=1e-6)
        share = np.sum(values[columns < words] ** 2)
        assert share == pytest.approx(1 if i == 2 else 0.8, abs=1e-6)  # 1 / (1 + 0.5 ** 2)


def test_unknown_ngrams_fall_away() -> None:
    features = HashedFeatures(FeatureConfig(characters=0, words=1))
    features.fit_transform(["known words"])
    rows = features.transform(["known", "unheard", ""])
    assert np.diff(rows.starts).tolist() == [1, 0, 0]
    assert rows.values.tolist() == [1.0]


@pytest.mark.parametrize("sizes", [(0, 1, 0), (8, 8, 8), (2, 5, 3), (1, 0, 0)])
def test_no_text_overruns_the_tables(sizes: tuple[int, int, int]) -> None:
    random = np.random.default_rng(1)
    letters = list("ab c!中文 \u0e01é\U0001f600")
    texts = ["".join(random.choice(letters, size=random.integers(0, 300))) for _ in range(200)]
    words, characters, unspaced = sizes
    config = FeatureConfig(words=words, characters=characters, unspaced=unspaced, term="count", idf=False, norm="none")
    rows = HashedFeatures(config).fit_transform(texts)
    assert (np.diff(rows.starts) >= 0).all() and rows.starts[-1] == rows.values.size
    assert rows.values.size == 0 or rows.values.min() >= 1
    for i in range(len(rows)):
        part = rows.columns[rows.starts[i] : rows.starts[i + 1]]
        assert len(set(part.tolist())) == part.size  # each column once


def test_selecting_rows_copies_them_in_order() -> None:
    rows = SparseRows(np.array([0, 2, 2, 3]), np.array([4, 1, 0], np.int32), np.array([1, 2, 3], np.float32), 5)
    picked = rows.select(np.array([2, 0, 1, 2]))
    assert picked.starts.tolist() == [0, 1, 3, 3, 4]
    assert picked.columns.tolist() == [0, 4, 1, 0] and picked.values.tolist() == [3, 1, 2, 3]


def test_long_texts_of_several_blocks_equal_short_ones() -> None:
    features = HashedFeatures(FeatureConfig(bits=12))
    text = "some words of a text " * 30_000
    rows = features.fit_transform([text, "some words", text])
    assert np.array_equal(rows.select(np.array([0])).values, rows.select(np.array([2])).values)
