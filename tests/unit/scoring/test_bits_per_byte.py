import json
import math

import numpy as np
import pytest

from bigram_table import SPECIALS, BigramTable, Letters, random_table
from hornbook.core.errors import ContentError
from hornbook.corpus.shards import ShardSplit
from hornbook.scoring.blocks import paragraph_blocks, token_blocks
from hornbook.scoring.lm import LanguageScore, bits_per_byte, same_units


def split_of(tokenizer, texts, raw_bytes=None):
    sizes = [len(text.encode()) for text in texts] if raw_bytes is None else raw_bytes
    return ShardSplit.from_documents([tokenizer.encode(text) for text in texts], sizes)


def random_texts(count, length, seed=1, alphabet="abcdefgh \n"):
    generator = np.random.default_rng(seed)
    return ["".join(generator.choice(list(alphabet), length)) for _ in range(count)]


def bigram(alphabet="abcdefgh \n", seed=1):
    return BigramTable(Letters(alphabet), random_table(len(alphabet), seed))


def test_two_documents_by_hand():
    table = np.full((6, 6), 1e-12)  # pad unknown start end a b
    table[2, [4, 5]] = 0.5, 0.5
    table[4, [3, 5]] = 0.25, 0.75
    table[5, [3, 4]] = 0.5, 0.5
    model = BigramTable(Letters("ab"), table)
    score = bits_per_byte(model, split_of(model.tokenizer, ["a", "b"], [2, 1]))
    # P(a end) = 1/2 * 1/4: 3 bits; P(b end) = 1/2 * 1/2: 2 bits; 3 raw bytes, 4 tokens
    assert score.bits_per_byte == pytest.approx(5 / 3)
    assert score.perplexity == pytest.approx(2 ** (5 / 4))
    assert (score.tokens, score.bytes, score.documents, score.unit_kind) == (4, 3, 2, "documents")


def test_units_add_up_and_groups_change_nothing():
    model = bigram()
    texts = [*random_texts(50, 30), "", "a"]
    split = split_of(model.tokenizer, texts)
    scores = [bits_per_byte(model, split, group_tokens=size) for size in (1, 100, 10**6)]
    nats = -sum(float(np.sum(row, dtype=np.float64)) for row in model.log_probs([split.document(i) for i in range(52)]))
    for score in scores:
        assert score.unit_kind == "documents" and len(score.units) == 52
        assert score.bits_per_byte == pytest.approx(nats / math.log(2) / 1501, rel=1e-9)
        assert score.tokens == 1501 + 52
        assert score.bits_per_byte_ci95[0] < score.bits_per_byte < score.bits_per_byte_ci95[1]
        assert score.perplexity_ci95[0] < score.perplexity < score.perplexity_ci95[1]
    assert same_units(scores)
    assert bits_per_byte(model, split, documents=3).documents == 3


def test_bytes_are_those_of_the_original_text():
    model = bigram()
    texts = random_texts(40, 30)
    single = bits_per_byte(model, split_of(model.tokenizer, texts))
    double = bits_per_byte(model, split_of(model.tokenizer, texts, [60] * 40))
    assert double.bits_per_byte == pytest.approx(single.bits_per_byte / 2)
    assert double.perplexity == single.perplexity


def test_few_documents_become_blocks_of_paragraphs():
    model = bigram()
    paragraphs = [text.replace("\n", " ") for text in random_texts(800, 250)]
    document = "\n\n".join(paragraphs)
    score = bits_per_byte(model, split_of(model.tokenizer, [document, "", "abc"]))
    assert score.unit_kind == "blocks of paragraphs"
    assert 60 <= len(score.units) <= 110
    assert score.documents == 3 and score.bytes == len(document) + 3
    assert score.unit_bytes.sum() == len(document) + 3
    assert score.unit_tokens.sum() == score.tokens == len(document) + 3 + 3
    assert score.notes == ()
    long = score.unit_bytes[:-2]
    assert long.min() >= 2000 and long.max() < 2600
    plain = -sum(float(row.sum(dtype=np.float64)) for row in model.log_probs([model.tokenizer.encode(document)]))
    assert score.unit_nats[:-2].sum() == pytest.approx(plain)


def test_blocks_without_line_ends_are_blocks_of_tokens():
    model = bigram("abcdefgh")
    score = bits_per_byte(model, split_of(model.tokenizer, random_texts(1, 300_000, alphabet="abcdefgh")))
    assert score.unit_kind == "blocks of 3000 tokens" and len(score.units) == 100
    assert score.unit_bytes.sum() == score.bytes == 300_000


def test_paragraph_blocks_by_hand():
    letters = Letters("ab\n")
    text = "aaa\n\nbb\nab\nb"
    blocks = paragraph_blocks(letters, letters.encode(text), 12, target=4)
    assert [text[a:b] for a, b in zip([0, *blocks.ends], blocks.ends)] == ["aaa\n\n", "bb\nab\nb"]
    assert blocks.bytes.tolist() == [5, 7]
    assert blocks.sums(np.arange(13.0)).tolist() == [10, 5 + 6 + 7 + 8 + 9 + 10 + 11 + 12]
    doubled = paragraph_blocks(letters, letters.encode(text), 24, target=4)
    assert doubled.bytes.tolist() == [10, 14] and doubled.decoded == 12


def test_every_lossless_tokenizer_gets_the_same_blocks():
    text = "\n".join("ab"[i % 2] * (i % 37) for i in range(3000))
    units = [
        paragraph_blocks(tokenizer, tokenizer.encode(text), len(text), target=1000)
        for tokenizer in (Letters("ab\n"), Letters(utf8=True), Pairs("ab\n"))
    ]
    for blocks in units:
        assert blocks.bytes.tolist() == units[0].bytes.tolist()
        assert blocks.bytes.sum() == len(text)


def test_scaled_bytes_are_said():
    model = bigram("abcdefgh \n")
    document = "\n".join(random_texts(900, 100, alphabet="abcdefgh "))
    score = bits_per_byte(model, split_of(model.tokenizer, [document], [2 * len(document)]))
    assert score.unit_bytes.sum() == pytest.approx(2 * len(document))
    assert "scaled" in score.notes[0]


def test_token_blocks():
    letters = Letters("ab")
    blocks = token_blocks(letters, letters.encode("ab" * 5), 20, length=4)
    assert blocks.ends.tolist() == [4, 10] and blocks.bytes.tolist() == [8, 12]
    assert token_blocks(letters, letters.encode(""), 0, length=4).ends.tolist() == [0]


def test_unknown_tokens_and_closed_vocabularies_have_no_bits_per_byte():
    model = bigram("ab")
    ids = [np.array([4, SPECIALS["unknown"], 5]), np.array([4])]
    score = bits_per_byte(model, ShardSplit.from_documents(ids))
    assert score.bits_per_byte is None and score.bits_per_byte_ci95 is None
    assert "1 unknown token" in score.notes[0]
    assert score.perplexity > 1 and score.units.ratio == pytest.approx(math.log(score.perplexity))
    model.tokenizer.kind = "words-closed"
    score = bits_per_byte(model, split_of(model.tokenizer, ["ab"]))
    assert score.bits_per_byte is None and "closed vocabulary" in score.notes[0]


def test_a_tokenizer_that_drops_something_is_named():
    model = bigram("ab")
    model.tokenizer.lossless = False
    score = bits_per_byte(model, split_of(model.tokenizer, ["ab"]))
    assert score.bits_per_byte > 0 and "does not keep the text" in score.notes[0]


def test_nothing_and_probability_zero_are_refused():
    model = bigram("ab")
    with pytest.raises(ContentError, match="empty"):
        bits_per_byte(model, split_of(model.tokenizer, []))
    with pytest.raises(ContentError, match="empty"):
        bits_per_byte(model, split_of(model.tokenizer, [""]))
    table = random_table(2, 1)
    table[4, 5] = 0
    with pytest.raises(ContentError, match="document 2 has probability 0"):
        bits_per_byte(BigramTable(Letters("ab"), table), split_of(model.tokenizer, ["ba", "ab"]))


def test_json_round_trip():
    model = bigram()
    score = bits_per_byte(model, split_of(model.tokenizer, random_texts(40, 10)))
    again = LanguageScore.from_dict(json.loads(json.dumps(score.to_dict())))
    assert again.to_dict() == score.to_dict()
    assert again.units.ratio == score.units.ratio


class Pairs(Letters):
    """Tokens of up to two letters, so that a token can hold the end of a line and the beginning of the next."""

    def encode(self, text):
        pairs = [text[i : i + 2] for i in range(0, len(text), 2)]
        self.table = sorted(set(pairs))
        return np.array([4 + self.table.index(pair) for pair in pairs])

    def decode(self, ids):
        return "".join(self.table[int(number) - 4] for number in ids)
