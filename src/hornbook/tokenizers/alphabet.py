"""The fixed parts of every tokenizer: special tokens, the byte alphabet, and the patterns that cut text into pre-tokens.

A pre-token is the longest stretch a token may cover. Patterns keep letters and punctuation apart, so that no token can
spell a special token such as </s>; and they bound every run, so that text without spaces costs linear time and the table
of distinct pre-tokens stays small enough to learn from.
"""

from __future__ import annotations

from tokenizers import AddedToken, Regex, pre_tokenizers

SPECIAL_TOKENS = {"pad": "<pad>", "unknown": "<unk>", "start": "<s>", "end": "</s>", "mask": "<mask>", "separator": "<sep>"}
"""Fixed name -> how tokenizer.json writes it; ids 0 to 5 in this order."""

FIRST_BYTE = len(SPECIAL_TOKENS)  # byte b has id FIRST_BYTE + b in every lossless kind
CONTINUING = "↳"  # WordPiece's mark of a piece inside a word: outside the byte alphabet, so no text can collide with it
LONGEST_PRETOKEN = 64  # characters; every pattern below stays under it, one leading space and look-ahead included

_LETTER = r"[\p{L}\p{M}&&\P{Han}]"  # marks belong to their letters (Thai, Devanagari, Arabic vowels)
_CLITIC = r"['’][\p{L}\p{M}]{1,2}(?![\p{L}\p{M}])"  # 's 't 're 'll, after GPT-2, without its list of English ones
_OTHER = r" ?[^\s\p{L}\p{M}\p{N}]{1,16}"
_SPACE = r"[\r\n]{1,16}|[^\S\r\n]{1,16}(?!\S)|\s"  # a space before a word is left to the word, as in GPT-2

SUBWORD_PATTERN = rf"{_CLITIC}| ?\p{{Han}}{{1,16}}| ?{_LETTER}{{1,24}}| ?\p{{N}}{{1,2}}|{_OTHER}|{_SPACE}"
WORD_PATTERN = rf"{_CLITIC}|\p{{Han}}| ?{_LETTER}{{1,24}}| ?\p{{N}}{{1,24}}|{_OTHER}|{_SPACE}"
CHARACTER_PATTERN = r"(?m:.)"  # Oniguruma's m lets the dot match line ends too
PATTERNS = {
    "bpe": SUBWORD_PATTERN,
    "wordpiece": SUBWORD_PATTERN,
    "unigram": SUBWORD_PATTERN,
    "words": WORD_PATTERN,
    "words-segmented": WORD_PATTERN.replace(r"\p{Han}|", r"\p{Han}{1,16}|"),  # the model finds the words inside
    "chars": CHARACTER_PATTERN,
}


def byte_symbols() -> list[str]:
    """The printable character that stands for each byte 0..255 (the GPT-2 byte alphabet)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = iter(range(256, 512))
    return [chr(byte) if byte in printable else chr(next(others)) for byte in range(256)]


def spell(text: str, symbols: list[str]) -> str:
    """A text in the byte alphabet: one character per UTF-8 byte."""
    return "".join(map(symbols.__getitem__, text.encode()))


def special_tokens(*, closed_vocabulary: bool = False) -> list[AddedToken]:
    """The special tokens as tokenizer.json lists them; the <unk> of a closed vocabulary is an ordinary word."""
    names = [name for name in SPECIAL_TOKENS if not (closed_vocabulary and name == "unknown")]
    return [AddedToken(SPECIAL_TOKENS[name], special=True, normalized=False) for name in names]


def cutter(kind: str) -> pre_tokenizers.PreTokenizer:
    """Cuts text into the pre-tokens of a kind, still as text."""
    return pre_tokenizers.Split(Regex(PATTERNS[kind]), "isolated")


def pre_tokenizer(kind: str) -> pre_tokenizers.PreTokenizer:
    """Cuts text into pre-tokens and spells them in the byte alphabet, which is what every lossless model reads."""
    spelled = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    return spelled if kind == "bytes" else pre_tokenizers.Sequence([cutter(kind), spelled])
