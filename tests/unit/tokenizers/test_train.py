"""What is learned: sizes, repeatability, memory, tiny texts, closed vocabularies, segmenters."""

import os
import random
import subprocess
import sys
from collections.abc import Iterator

import pytest

from hornbook.core.errors import ContentError, UsageError
from hornbook.tokenizers import KINDS, TextTokenizer, TokenizerConfig, train_tokenizer
from hornbook.tokenizers.chunks import anywhere
from hornbook.tokenizers.sample import sample_text

PENN = ["the cat sat on the <unk>\n", "the dog saw N <unk> cats\n", "the </s> mat <s>\n"]


def unspaced(megabytes: float, *, seed: int = 7) -> Iterator[str]:
    """Chinese without a space: words drawn with Zipf's frequencies, a full stop now and then, as one document after another."""
    draw = random.Random(seed)
    words = ["".join(chr(0x4E00 + int(draw.paretovariate(0.7)) % 3000) for _ in range(draw.randint(1, 3))) for _ in range(5000)]
    weights = [1 / (rank + 1) for rank in range(len(words))]
    written = 0
    while written < megabytes * 1e6:
        text = "".join(word + ("。" if draw.random() < 0.1 else "") for word in draw.choices(words, weights, k=3000))
        written += len(text.encode())
        yield text


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_text_gives_the_same_file_in_another_process(kind: str, trained: dict[str, TextTokenizer]) -> None:
    program = (
        "import sys, hashlib; sys.path.insert(0, sys.argv[1]); from conftest import TEXTS\n"
        "from hornbook.tokenizers import TokenizerConfig, train_tokenizer\n"
        "sys.stdout.write(train_tokenizer(TEXTS, TokenizerConfig(sys.argv[2], size=700)).to_json())"
    )
    folder = os.path.dirname(os.path.abspath(__file__))
    run = subprocess.run([sys.executable, "-c", program, folder, kind], capture_output=True, check=True)
    assert run.stdout.decode() == trained[kind].to_json()


def test_torch_and_numba_are_not_imported() -> None:
    program = (
        "import sys, hornbook.tokenizers; print([name for name in ('torch', 'numba', 'transformers') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout.strip() == b"[]"


@pytest.mark.parametrize("kind", ["bpe", "unigram", "wordpiece"])
def test_a_large_text_fills_the_vocabulary_exactly(kind: str) -> None:
    assert train_tokenizer(unspaced(0.3), TokenizerConfig(kind, size=1000)).size == 1000


def test_whole_characters_come_before_pieces() -> None:
    texts = list(unspaced(0.2))
    tokenizer = train_tokenizer(texts, TokenizerConfig("bpe", size=6000))
    cut = [token for token in tokenizer.tokens(tokenizer.encode(texts[0])) if len(token) % 3]
    assert len(cut) < 0.01 * len(tokenizer.encode(texts[0]))  # a Chinese character has three bytes: none is cut


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", ["a", "你好", "one two three\nfour five six\nseven eight\nnine ten\n", "\x00", " "])
def test_a_tiny_text_still_gives_a_tokenizer(kind: str, text: str) -> None:
    tokenizer = train_tokenizer([text], TokenizerConfig(kind))
    assert tokenizer.decode(tokenizer.encode(text + "另一个 other")) == text + "另一个 other"


@pytest.mark.parametrize("config", [TokenizerConfig(), TokenizerConfig("words", closed_vocabulary=True)])
def test_no_text_is_an_error(config: TokenizerConfig) -> None:
    with pytest.raises(ContentError, match="no text"):
        train_tokenizer(["", ""], config)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": "bpee"}, "Did you mean bpe"),
        ({"kind": "bpe", "size": 100}, "at least 262"),
        ({"kind": "wordpiece", "size": 300}, "at least 518"),
        ({"kind": "bpe", "closed_vocabulary": True}, "needs tokenizer words"),
        ({"memory_mb": 0}, "too little"),
    ],
)
def test_wrong_settings_are_one_line(fields: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        TokenizerConfig(**fields)  # type: ignore[arg-type]


def test_a_sample_keeps_its_limit_order_and_seed() -> None:
    texts = [f"document {index} " + "x" * (index % 50) for index in range(2000)]
    full = sample_text(iter(texts), limit=10**7, boundary=anywhere, seed=1)
    part = sample_text(iter(texts), limit=40_000, boundary=anywhere, seed=1)
    assert full == texts
    assert part == sample_text(iter(texts), limit=40_000, boundary=anywhere, seed=1)
    assert part != sample_text(iter(texts), limit=40_000, boundary=anywhere, seed=2)
    assert 30_000 < sum(120 + len(text) for text in part) <= 40_000
    places = [texts.index(text) for text in part]
    assert places == sorted(places)
    assert 800 < sum(places) / len(places) < 1200  # evenly from the whole, not the head


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["bpe", "wordpiece", "unigram", "words"])
def test_memory_stays_within_its_limit_on_unspaced_chinese(kind: str) -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); from test_train import unspaced\n"
        "from hornbook.core.runtime import peak_rss_mb, rss_mb\n"
        "from hornbook.tokenizers import TokenizerConfig, train_tokenizer\n"
        "train_tokenizer(unspaced(0.01), TokenizerConfig(sys.argv[2], size=600))\n"  # compiled code is not the text's
        "before = rss_mb(); train_tokenizer(unspaced(20), TokenizerConfig(sys.argv[2], memory_mb=200))\n"
        "print(peak_rss_mb() - before)"
    )
    folder = os.path.dirname(os.path.abspath(__file__))
    run = subprocess.run([sys.executable, "-c", program, folder, kind], capture_output=True, check=True)
    assert float(run.stdout) < 200


def test_a_closed_vocabulary_follows_the_penn_treebank_protocol() -> None:
    tokenizer = train_tokenizer(PENN, TokenizerConfig("words", closed_vocabulary=True))
    words = {"the", "cat", "sat", "on", "dog", "saw", "N", "cats", "mat"}
    assert tokenizer.size == 6 + len(words) and not tokenizer.lossless
    assert "unknown" not in tokenizer.specials
    ids = tokenizer.encode("the  <unk> flew\nN")
    assert tokenizer.decode(ids) == "the <unk> <unk> N"
    assert tokenizer.encode("</s> <s> <pad> <mask>").tolist() == [1, 1, 1, 1]  # never the control tokens


def test_a_closed_vocabulary_can_be_cut() -> None:
    tokenizer = train_tokenizer(PENN, TokenizerConfig("words", closed_vocabulary=True, size=8))
    assert tokenizer.decode(tokenizer.encode("the cat sat")) == "the <unk> <unk>"
    assert train_tokenizer(PENN, TokenizerConfig("words", closed_vocabulary=True, size=0)).size == 15


def test_a_closed_vocabulary_that_does_not_fit_says_so() -> None:
    words = (" ".join(str(place) for place in range(start, start + 1000)) for start in range(0, 20_000, 1000))
    with pytest.raises(ContentError, match="distinct words"):
        train_tokenizer(words, TokenizerConfig("words", closed_vocabulary=True, memory_mb=1))


def test_words_are_words() -> None:
    tokenizer = train_tokenizer(["The old king's men sat there. 他坐在那里。 1984"], TokenizerConfig("words"))
    text = "The king's men. 坐那 1984"
    assert [tokenizer.decode([one]) for one in tokenizer.encode(text)] == [
        "The",
        " king",
        "'s",
        " men",
        ".",
        " ",
        "坐",
        "那",
        " 1984",
    ]


def test_a_segmenter_gives_chinese_words_that_outlive_it() -> None:
    def segmenter(text: str) -> list[str]:
        return text.replace("语言", "|语言|").replace("模型", "|模型|").strip("|").replace("||", "|").split("|")

    texts = ["语言模型", "语言的模型", "大语言", "小模型", "a b"] * 3
    tokenizer = train_tokenizer(texts, TokenizerConfig("words"), segmenter=segmenter)
    assert [tokenizer.decode([one]) for one in tokenizer.encode("大语言模型的语言 b")] == [
        "大",
        "语言",
        "模型",
        "的",
        "语言",
        " b",
    ]
    with pytest.raises(ContentError, match="must join"):
        train_tokenizer(texts, TokenizerConfig("words"), segmenter=lambda text: ["x"])
    with pytest.raises(UsageError, match="segmenter"):
        train_tokenizer(texts, TokenizerConfig("bpe"), segmenter=segmenter)
