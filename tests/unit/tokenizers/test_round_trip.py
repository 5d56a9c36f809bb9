"""decode(encode(text)) == text, and long texts are cut where it changes nothing."""

import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hornbook.tokenizers import KINDS, TextTokenizer
from hornbook.tokenizers.alphabet import PATTERNS, cutter
from hornbook.tokenizers.chunks import CHUNK, anywhere, before_space, between_pretokens, chunks

SETTINGS = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
LOOKALIKES = st.sampled_from(
    [
        "</s>",
        "<s>",
        "<unk>",
        "<pad>",
        "<mask>",
        "<sep>",
        "[MASK]",
        "<|endoftext|>",
        "<0x0A>",
        "##x",
        "↳x",
        "Ġ",
        "▁",
        "\ufffd",
        "\ufeff",
    ]
)
SPACES = st.text(alphabet=" \t\n\r\x0b\x0c\x1c\x85\xa0\u2003\u2028\u3000", min_size=1, max_size=40)
HAN = st.text(alphabet=st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), max_size=40)
ANYTHING = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
CONTROL = st.text(st.characters(categories=["Cc", "Cf", "Cn", "Co"]), max_size=10)
LETTERS = st.text(alphabet="abcdefgh'’é\u0301ÀİßͅΣ", max_size=60)
TEXT = st.lists(st.one_of(LOOKALIKES, SPACES, HAN, ANYTHING, CONTROL, LETTERS), max_size=12).map("".join)


@given(text=TEXT)
@SETTINGS
def test_every_text_comes_back(tokenizer: TextTokenizer, text: str) -> None:
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    assert not set(ids.tolist()) & set(tokenizer.specials.values())


@given(text=TEXT)
@SETTINGS
def test_batches_and_the_backend_agree(tokenizer: TextTokenizer, text: str) -> None:
    expected = tokenizer.backend.encode(text, add_special_tokens=False).ids
    assert tokenizer.encode_batch([text, "x", text])[2].tolist() == expected


@given(parts=st.lists(TEXT, min_size=1, max_size=6), longest=st.integers(min_value=160, max_value=400))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("kind", sorted(set(PATTERNS) & set(KINDS)))
def test_chunks_tokenize_as_the_whole(trained: dict[str, TextTokenizer], kind: str, parts: list[str], longest: int) -> None:
    text = "".join(parts) * 4
    boundary = anywhere if kind == "chars" else between_pretokens(cutter(kind).pre_tokenize_str)
    pieces = list(chunks(text, boundary, longest=longest))
    assert "".join(pieces) == text and max(map(len, pieces)) <= longest
    whole = trained[kind].backend.encode(text, add_special_tokens=False).ids
    assert [one for piece in pieces for one in trained[kind].encode(piece).tolist()] == whole


def test_word_chunks_never_cut_a_word() -> None:
    text = "ab  cd\n" * 50 + "x" * 500 + " y"
    pieces = list(chunks(text, before_space, longest=40))
    assert "".join(pieces) == text
    assert [word for piece in pieces for word in piece.split()] == text.split()


@pytest.mark.parametrize("unit", ["好", "a", " ", "\n", "-", "1", "🙂", "的a", "'s"])
def test_a_run_without_a_break_takes_linear_time(tokenizer: TextTokenizer, unit: str) -> None:
    text = unit * (60_000 // len(unit))
    started = time.process_time()
    ids = tokenizer.encode(text)
    assert time.process_time() - started < 10  # a quadratic tokenizer takes minutes
    assert tokenizer.decode(ids) == text
    short = tokenizer.backend.encode(text[: CHUNK + 500], add_special_tokens=False).ids
    assert tokenizer.encode(text[: CHUNK + 500]).tolist() == short


def test_a_long_text_equals_its_unchunked_encoding(tokenizer: TextTokenizer, texts: list[str]) -> None:
    text = "".join(texts) * 40
    assert len(text) > CHUNK
    np.testing.assert_array_equal(tokenizer.encode(text), tokenizer.backend.encode(text, add_special_tokens=False).ids)
