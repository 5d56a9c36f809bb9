"""One suite that every kind of tokenizer passes; a kind added to KINDS is picked up by itself."""

from pathlib import Path

import numpy as np
import pytest

from hornbook.core.types import SPECIALS
from hornbook.tokenizers import KINDS, TextTokenizer, TokenizerConfig, load_tokenizer, train_tokenizer

TEXTS = [
    "The cat sat on the mat, and the dog didn't mind.\nIn 1984 there were 12,345 of them!\n",
    "自然语言处理是人工智能的一个方向。我们用 Linux 内核训练语言模型，模型的大小是 42 MB。\n\n",
    "  indented\tcode = {'a': 1}\r\n    return x == y\n",
    "Ελληνικά, русский текст, العربية, हिन्दी, ไทย, 日本語のテキスト, 한국어 문장 🙂👩‍👩‍👧\n",
] * 5
ODD = ["", " ", "\n", "\x00\x01", "</s>", "<unk> <pad>", "[MASK]", "<0x0A>", "##x ↳x Ġx", "naïve café", "𠮷野家", "a" * 300]
CONFIGS = {kind: TokenizerConfig(kind, size=700) for kind in KINDS}
CONFIGS["words, closed"] = TokenizerConfig("words", closed_vocabulary=True)
CONFIGS["words, segmented"] = TokenizerConfig("words", size=600)
CONFIGS["bpe, lower case"] = TokenizerConfig("bpe", size=700, lowercase=True)


@pytest.fixture(scope="module", params=sorted(CONFIGS))
def config(request: pytest.FixtureRequest) -> TokenizerConfig:
    return CONFIGS[request.param]


def pairs(text: str) -> list[str]:
    return [text[start : start + 2] for start in range(0, len(text), 2)]


def learn(config: TokenizerConfig) -> TextTokenizer:
    return train_tokenizer(iter(TEXTS), config, segmenter=pairs if config is CONFIGS["words, segmented"] else None)


@pytest.fixture(scope="module")
def tokenizer(config: TokenizerConfig) -> TextTokenizer:
    return learn(config)


def test_ids_are_below_size_and_of_the_smallest_type(tokenizer: TextTokenizer) -> None:
    for ids in tokenizer.encode_batch(TEXTS + ODD):
        assert ids.dtype == np.uint16 and ids.ndim == 1
        assert not ids.size or int(ids.max()) < tokenizer.size


def test_size_is_at_most_what_was_asked(tokenizer: TextTokenizer, config: TokenizerConfig) -> None:
    assert tokenizer.size <= (config.size or 10**9)
    assert tokenizer.size == len(tokenizer.backend.get_vocab())


def test_specials_have_the_fixed_names_and_distinct_ids(tokenizer: TextTokenizer) -> None:
    assert set(tokenizer.specials) <= set(SPECIALS) and "end" in tokenizer.specials
    assert len(set(tokenizer.specials.values())) == len(tokenizer.specials)
    assert dict(tokenizer.specials) == {name: list(SPECIALS).index(name) for name in tokenizer.specials}


def test_empty_text_has_no_ids(tokenizer: TextTokenizer) -> None:
    assert tokenizer.encode("").shape == (0,) and tokenizer.decode([]) == ""
    assert tokenizer.encode_batch([]) == []


def test_batch_equals_single(tokenizer: TextTokenizer) -> None:
    for text, ids in zip(TEXTS + ODD, tokenizer.encode_batch(TEXTS + ODD), strict=True):
        assert ids.tolist() == tokenizer.encode(text).tolist()


def test_text_never_becomes_a_special_token(tokenizer: TextTokenizer) -> None:
    reserved = set(tokenizer.specials.values())
    for text in [*TEXTS, *ODD, "<s> </s> <pad><mask><sep> <unk>", "a</s>b <s>"]:
        assert not reserved & set(tokenizer.encode(text).tolist()), text


def test_specials_decode_to_nothing(tokenizer: TextTokenizer) -> None:
    assert tokenizer.decode(list(tokenizer.specials.values())) == ""
    ids = tokenizer.encode(TEXTS[0])
    around = [tokenizer.specials["start"], *ids.tolist(), tokenizer.specials["end"]]
    assert tokenizer.decode(around) == tokenizer.decode(ids)


def test_what_is_called_lossless_is(tokenizer: TextTokenizer) -> None:
    for text in TEXTS + ODD:
        back = tokenizer.decode(tokenizer.encode(text))
        if tokenizer.lossless:
            assert back == text
        elif tokenizer.lowercase:
            assert back == text.lower()


def test_saved_and_loaded_is_the_same(tokenizer: TextTokenizer, tmp_path: Path) -> None:
    tokenizer.save_pretrained(tmp_path)
    for source in (tmp_path, tmp_path / "tokenizer.json"):
        loaded = load_tokenizer(source)
        assert loaded.to_json() == tokenizer.to_json()
        assert (loaded.kind, loaded.size, dict(loaded.specials)) == (tokenizer.kind, tokenizer.size, dict(tokenizer.specials))
        assert (loaded.lossless, loaded.lowercase) == (tokenizer.lossless, tokenizer.lowercase)
        for text in TEXTS + ODD:
            assert loaded.encode(text).tolist() == tokenizer.encode(text).tolist()


def test_same_text_gives_the_same_file(tokenizer: TextTokenizer, config: TokenizerConfig) -> None:
    assert learn(config).to_json() == tokenizer.to_json()


def test_wrong_types_are_named_by_index(tokenizer: TextTokenizer) -> None:
    for wrong in (None, 3, b"bytes"):
        with pytest.raises(TypeError, match=r"text 1 is"):
            tokenizer.encode_batch(["fine", wrong])  # type: ignore[list-item]


def test_lone_surrogates_become_replacement_characters(tokenizer: TextTokenizer) -> None:
    assert tokenizer.encode("a\ud800b").tolist() == tokenizer.encode("a\ufffdb").tolist()


def test_ids_outside_the_vocabulary_are_refused(tokenizer: TextTokenizer) -> None:
    for wrong in (tokenizer.size, -1):
        with pytest.raises(ValueError, match="token ids"):
            tokenizer.decode([wrong])
