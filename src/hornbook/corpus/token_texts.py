"""What each token of a vocabulary stands for: bytes, kind of character at both ends, whether it ends a sentence.

Read off the tokenizer alone, once for a vocabulary, so that text already in token shards need not be decoded.
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hornbook.tokenizers.alphabet import CONTINUING, byte_symbols
from hornbook.tokenizers.chinese import UNSPACED
from hornbook.tokenizers.tokenizer import TextTokenizer

INSIDE, NOTHING, BLANK, NEWLINE, LETTER, OTHER, UNSPACED_LETTER = range(7)
"""Kinds of characters: bytes inside one; no text; space; line end; letter, mark or digit; punctuation; Chinese and its like."""

_UNSPACED = re.compile(f"[{UNSPACED}]")
_NEWLINES = "\n\r\v\f\u2028\u2029\x85"
_BYTE = re.compile(r"<0x([0-9A-F]{2})>")
_LEADS = ((0xC3, OTHER), (0xE0, LETTER), (0xE2, LETTER), (0xE3, OTHER), (0xEA, UNSPACED_LETTER), (0xEE, LETTER), (0xF0, OTHER))
"""First byte below: kind of most characters that begin with it; beyond the last, rare Chinese."""
_ENDS, _CLOSERS, _OPENERS = "。！？!?…｡؟।", "\"'”’»」』）)】》］]", "“‘«「『（(【《［["


@dataclass(frozen=True, eq=False)
class TokenTexts:
    """The text of every token id, leading space included; special tokens have none."""

    texts: list[bytes]  # parts of characters stay bytes
    first: NDArray[np.uint8]  # (V,) kind of the first character
    last: NDArray[np.uint8]  # (V,) kind of the last one; INSIDE when no character begins in the token
    cut: NDArray[np.bool_]  # (V,) the first character goes on in the next token: its kind is a guess

    @classmethod
    def of(cls, tokenizer: TextTokenizer) -> TokenTexts:
        """Of any tokenizer: the project's own, and foreign ones in the byte alphabet, with ▁, with ## or of plain words."""
        spell = _speller(tokenizer)
        specials = set(tokenizer.specials.values())
        names = tokenizer.tokens(range(tokenizer.size))
        texts = [b"" if number in specials else spell(name) for number, name in enumerate(names)]
        first = np.fromiter(map(_first_kind, texts), np.uint8, len(texts))
        last = np.fromiter(map(_last_kind, texts), np.uint8, len(texts))
        return cls(texts, first, last, np.fromiter(map(_is_cut, texts), np.bool_, len(texts)))

    def join(self, ids: NDArray[Any]) -> str:
        """The text of the ids, U+FFFD for parts of characters."""
        return b"".join(self.texts[one] for one in ids.tolist()).decode("utf-8", "replace")

    @property
    def spaced(self) -> NDArray[np.bool_]:
        """(V,) whether a token begins with space or a line end."""
        found: NDArray[np.bool_] = (self.first == BLANK) | (self.first == NEWLINE)
        return found

    def sentence_kinds(self) -> NDArray[np.uint8]:
        """(V,) END and so on of pair_kernels.py: 。！？!? and line ends end a sentence, a full stop does before space."""
        return np.fromiter(map(_sentence_kind, self.texts), np.uint8, len(self.texts))


def _speller(tokenizer: TextTokenizer) -> Any:
    """The function from the name of a token in tokenizer.json to its bytes."""
    model = json.loads(tokenizer.to_json())
    rules = json.dumps([model.get("pre_tokenizer"), model.get("decoder"), model.get("normalizer")])
    if tokenizer.kind not in ("foreign", "words-closed") or '"ByteLevel"' in rules:
        values = {symbol: byte for byte, symbol in enumerate(byte_symbols())}
        own = tokenizer.kind == "wordpiece"
        return lambda name: _from_alphabet(name.removeprefix(CONTINUING) if own else name, values)
    if model["model"].get("type") == "WordPiece":
        mark = str(model["model"].get("continuing_subword_prefix") or "##")
        return lambda name: name.removeprefix(mark).encode() if name.startswith(mark) else _spaced_word(name)
    if model["model"].get("type") == "WordLevel":
        return lambda name: b" " + name.encode()
    return _from_metaspace


def _from_alphabet(name: str, values: dict[str, int]) -> bytes:
    """Bytes of a name in the byte alphabet; an added token, which is spelled plainly, as it is."""
    if all(symbol in values for symbol in name):
        return bytes(values[symbol] for symbol in name)
    return name.encode()


def _spaced_word(name: str) -> bytes:
    """A token that begins a word: with a space before it where two words would otherwise run together."""
    return (b" " if _kind(name[:1]) == LETTER else b"") + name.encode()


def _from_metaspace(name: str) -> bytes:
    match = _BYTE.fullmatch(name)
    return bytes([int(match[1], 16)]) if match else name.replace("▁", " ").encode()


def _kind(character: str) -> int:
    if not character:
        return NOTHING
    if character in _NEWLINES:
        return NEWLINE
    if character.isspace():
        return BLANK
    if _UNSPACED.match(character):
        return UNSPACED_LETTER
    return LETTER if character.isalnum() or character == "_" or unicodedata.category(character)[0] == "M" else OTHER


def _first_kind(text: bytes) -> int:
    if text and 0x80 <= text[0] < 0xC0:
        return INSIDE
    return _kind_at(text)


def _last_kind(text: bytes) -> int:
    place = len(text) - 1
    while place >= 0 and 0x80 <= text[place] < 0xC0:
        place -= 1
    return _kind_at(text[place:]) if place >= 0 else INSIDE if text else NOTHING


def _kind_at(text: bytes) -> int:
    """The kind of the first character, by its first byte where the rest of it is in other tokens."""
    if not text:
        return NOTHING
    try:
        return _kind(text[: _size(text[0])].decode("utf-8"))
    except UnicodeDecodeError:
        return next((kind for below, kind in _LEADS if text[0] < below), UNSPACED_LETTER)


def _is_cut(text: bytes) -> bool:
    return bool(text) and text[0] >= 0xC0 and len(text) < _size(text[0])


def _size(lead: int) -> int:
    """Bytes of a character that begins with this one."""
    return 1 if lead < 0x80 else 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4


def _sentence_kind(text: bytes) -> int:
    from hornbook.corpus.pair_kernels import CLOSER, END, END_BEFORE_SPACE, NOT_END

    written = text.decode("utf-8", "ignore")
    if any(character in _NEWLINES for character in written):
        return END
    bare = written.rstrip()
    kernel = bare.rstrip(_CLOSERS)
    if not kernel:
        return CLOSER if bare and not written[0].isspace() else NOT_END
    if kernel.rstrip(_OPENERS)[-1:] in tuple(_ENDS):  # 。“ as one token
        return END
    return END_BEFORE_SPACE if kernel[-1] == "." else NOT_END
