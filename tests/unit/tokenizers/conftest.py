"""One small tokenizer of every kind, learned once."""

import pytest

from hornbook.tokenizers import KINDS, TextTokenizer, TokenizerConfig, train_tokenizer

TEXTS = [
    "The cat sat on the mat, and the dog didn't mind. In 1984 there were 12,345 of them!\n",
    "She said that the river ran through the old town, under seven bridges, to the sea.\n",
    "自然语言处理是人工智能的一个方向。我们用 Linux 内核训练语言模型，模型的大小是 42 MB。\n\n",
    "  indented\tcode = {'a': 1}\r\n    return x == y\n",
    "Ελληνικά, русский текст, العربية, हिन्दी, ไทย, 日本語のテキスト, 한국어 문장 🙂👩‍👩‍👧\n",
] * 4


@pytest.fixture(scope="session")
def texts() -> list[str]:
    return TEXTS


@pytest.fixture(scope="session")
def trained() -> dict[str, TextTokenizer]:
    return {kind: train_tokenizer(TEXTS, TokenizerConfig(kind, size=700)) for kind in KINDS}


@pytest.fixture(params=KINDS)
def tokenizer(request: pytest.FixtureRequest, trained: dict[str, TextTokenizer]) -> TextTokenizer:
    return trained[request.param]
