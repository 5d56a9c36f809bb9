"""Word vectors as the beginning of an embedding table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from hornbook.core.errors import ContentError, UsageError
from hornbook.tasks.initial import start_embedding, token_vectors
from hornbook.tokenizers import TextTokenizer, TokenizerConfig, train_tokenizer

ENGLISH = ["the cats sleep and the dogs sleep too while the kings and queens dance and sing"] * 30
CHINESE = ["我们在图书馆看书，他们在公园跑步。图书馆里有很多书。"] * 30


@dataclass
class Words:
    """Vectors as `token_vectors` reads them."""

    index_to_key: list[str]
    counts: Any = None
    subwords: Any = None
    width: int = 8
    vectors: Any = field(init=False)

    def __post_init__(self) -> None:
        self.vectors = np.random.default_rng(5).normal(size=(len(self.index_to_key), self.width)).astype(np.float32)


def trained(texts: list[str], kind: str, size: int = 600) -> TextTokenizer:
    return train_tokenizer(texts, TokenizerConfig(kind=kind, size=size))  # type: ignore[arg-type]


def cosine(a: Any, b: Any) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


@pytest.mark.parametrize("kind", ["bpe", "wordpiece", "unigram", "words"])
def test_a_token_that_spells_a_word_gets_its_vector(kind: str) -> None:
    tokenizer = trained(ENGLISH, kind)
    words = Words(["the", "sleep", "dogs", "queens", "zebra"])
    tokens = token_vectors(words, tokenizer)
    whole = [i for i in range(tokenizer.size) if tokenizer.decode([i]) == " sleep"]
    assert whole and tokens.words >= 1
    found = tokens.vectors[whole[0]]
    # the common mean is removed from all: the word's own vector is still by far the nearest
    similarities = [cosine(found, row) for row in words.vectors]
    assert int(np.argmax(similarities)) == 1
    assert tokens.known[whole[0]]
    assert not tokens.known[list(tokenizer.specials.values())].any()


def test_chinese_words_and_their_characters() -> None:
    tokenizer = trained(CHINESE, "chars")
    tokens = token_vectors(Words(["图书馆", "公园", "书"]), tokenizer)
    known = {tokenizer.decode([i]) for i in np.flatnonzero(tokens.known)}
    assert known == {"图", "书", "馆", "公", "园"}
    assert tokens.words == 1 and tokens.pieces == 4


def test_pieces_are_weighted_by_count() -> None:
    tokenizer = trained(CHINESE, "chars")
    words = Words(["书中", "书店", "跑步"], counts=np.array([1000, 1, 500]))
    tokens = token_vectors(words, tokenizer)
    book = tokens.vectors[tokenizer.encode("书")[0]]
    assert cosine(book, words.vectors[0]) > cosine(book, words.vectors[1])


def test_spelling_is_used_where_no_word_is() -> None:
    class Subwords:
        def vector(self, word: str) -> Any:
            return np.full(8, float(len(word)), np.float32)

    tokenizer = trained(ENGLISH, "words")
    without = token_vectors(Words(["the", "cats"]), tokenizer)
    spelled = token_vectors(Words(["the", "cats"], subwords=Subwords()), tokenizer)
    assert without.spelled == 0 < spelled.spelled
    assert spelled.known.sum() > without.known.sum()


def test_nothing_in_common_is_an_error() -> None:
    with pytest.raises(ContentError, match="no word in common"):
        token_vectors(Words(["図書館", "公園"]), trained(ENGLISH, "words"))


def test_coverage_counts_the_text() -> None:
    tokenizer = trained(ENGLISH, "words")
    tokens = token_vectors(Words(["the", "sleep"]), tokenizer)
    counts = np.zeros(tokenizer.size, np.int64)
    counts[tokens.known] = 30
    counts[~tokens.known] = 0
    counts[np.flatnonzero(~tokens.known)[0]] = counts.sum()
    assert tokens.coverage(counts) == pytest.approx(0.5)
    assert "start from word vectors" in str(tokens)


@pytest.mark.parametrize("width", [4, 8, 20])
def test_the_table_keeps_its_size_and_the_words_keep_their_likeness(width: int) -> None:
    torch = pytest.importorskip("torch")
    from hornbook.models.rnn import RnnConfig, RnnModule

    tokenizer = trained(ENGLISH, "words")
    tokens = token_vectors(Words(["the", "cats", "sleep", "and", "dogs", "too", "while", "kings", "queens"]), tokenizer)
    torch.manual_seed(3)
    module = RnnModule(RnnConfig(width=width), tokenizer.size)
    before = module.embedding.weight.detach().clone()
    start_embedding(module, tokens)
    after = module.embedding.weight.detach()
    known = torch.from_numpy(tokens.known)
    assert torch.equal(after[~known], before[~known])
    assert not torch.equal(after[known], before[known])
    columns = min(width, 8)
    assert float(after[known, :columns].std()) == pytest.approx(float(before.std()), rel=0.1)
    if width > 8:
        assert torch.equal(after[:, 8:], before[:, 8:])
    if width >= 8:  # nothing was projected away: the cosines between words are those of the vectors
        given = tokens.vectors[tokens.known]
        expected = given @ given.T / np.linalg.norm(given, axis=1)[:, None] / np.linalg.norm(given, axis=1)
        rows = after[known, :8].numpy()
        np.testing.assert_allclose(
            rows @ rows.T / np.linalg.norm(rows, axis=1)[:, None] / np.linalg.norm(rows, axis=1), expected, atol=1e-5
        )


def test_a_table_of_another_tokenizer_is_refused() -> None:
    pytest.importorskip("torch")
    from hornbook.models.rnn import RnnConfig, RnnModule

    tokens = token_vectors(Words(["the", "cats"]), trained(ENGLISH, "words"))
    with pytest.raises(UsageError, match="rows"):
        start_embedding(RnnModule(RnnConfig(width=8), 5), tokens)
