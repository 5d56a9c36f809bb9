"""What a tokenizer makes of a text, and whether it is fit to train on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import ContentError
from hornbook.core.groups import groups
from hornbook.tokenizers.alphabet import SPECIAL_TOKENS, byte_symbols
from hornbook.tokenizers.chunks import before_space, chunks, replace_surrogates
from hornbook.tokenizers.pieces import GROUP
from hornbook.tokenizers.tokenizer import TextTokenizer

_HAN = "\u2e80-\u2fdf\u3005\u3007\u3021-\u3029\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_WORD = re.compile(rf"[{_HAN}]|[^\s{_HAN}]+")
_BYTE_TOKEN = re.compile(r"<0x[0-9A-F]{2}>")
FLOODED_SPELLED = 0.5
FLOODED_UNKNOWN = 0.2
FEWEST_BYTES = 10_000


@dataclass(frozen=True)
class TokenizerReport:
    """Measurements on a text.

    words: stretches between spaces, each Chinese character counted as one word.
    fertility: tokens per word. bytes_per_token: UTF-8 bytes of the text per token.
    unknown_rate: share of the text's bytes that the vocabulary has no piece for: characters (for kind `words`, words)
        spelled in bytes, or anything that became the unknown token. 0 for kind `bytes`, which knows nothing else.
    lost_rate: the part of it that became the unknown token and cannot be decoded.
    used, unused_rate: distinct ids that occur, and the share of the vocabulary that does not.
    examples: some words of the text, each with its tokens as tokenizer.json spells them.
    """

    kind: str
    size: int
    documents: int
    tokens: int
    words: int
    bytes: int
    fertility: float
    unknown_rate: float
    lost_rate: float
    bytes_per_token: float
    used: int
    unused_rate: float
    examples: tuple[tuple[str, tuple[str, ...]], ...]


def tokenizer_report(
    tokenizer: TextTokenizer, texts: Iterable[str], *, limit: int = 5_000_000, examples: int = 8
) -> TokenizerReport:
    """Measure a tokenizer on texts, reading them until `limit` bytes; what was read is in `documents` and `bytes`."""
    reader = _Unknown(tokenizer)
    used = np.zeros(tokenizer.size, dtype=bool)
    shown: dict[str, tuple[str, ...]] = {}
    taken = _Taken(texts, limit)
    tokens = words = spelled = lost = 0
    for group in groups((piece for text in taken for piece in chunks(text, before_space)), GROUP, each=16):
        for piece, encoding in zip(group, tokenizer.backend.encode_batch(group, add_special_tokens=False), strict=True):
            ids = np.array(encoding.ids, dtype=np.int64)
            used[ids] = True
            tokens += len(ids)
            words += sum(1 for _ in _WORD.finditer(piece))
            spelled += reader.spelled(ids, encoding)
            lost += reader.lost(piece, ids, encoding)
        if len(shown) < examples:
            shown |= _examples(tokenizer, group, examples - len(shown))
    return TokenizerReport(
        kind=tokenizer.kind,
        size=tokenizer.size,
        documents=taken.documents,
        tokens=tokens,
        words=words,
        bytes=taken.bytes,
        fertility=tokens / max(words, 1),
        unknown_rate=(spelled + lost) / max(taken.bytes, 1),
        lost_rate=lost / max(taken.bytes, 1),
        bytes_per_token=taken.bytes / max(tokens, 1),
        used=int(used.sum()),
        unused_rate=1 - float(used.mean()),
        examples=tuple(shown.items()),
    )


def refuse_flooded(report: TokenizerReport) -> None:
    """Raise ContentError, with the remedy, when too much of the text is unknown for a model to learn from it.

    An unknown token hides what it stands for: Penn Treebank and WikiText-2 have 5 to 6.5 %, so FLOODED_UNKNOWN (20 % of the
    bytes) is three times what is ever trained on. Spelling loses nothing but length. Measured on 4 MB of English and of
    Chinese prose: tokenizers learned from the text spell 0 to 28 % of its bytes at sizes of 1000 and more (40 % at 600),
    tokenizers learned from the other language 74 to 98 %; FLOODED_SPELLED (50 %) stands between. Spelling is not judged below
    FEWEST_BYTES, where any tokenizer has seen too little: four lines still train. Kind `bytes` is never flooded.
    """
    if report.lost_rate > FLOODED_UNKNOWN:
        raise ContentError(
            "{rate:.0%} of the text is unknown to the {kind} tokenizer ({size} entries): nothing can be learned from that. "
            "Learn a tokenizer from this text, or use --tokenizer bpe, which has no unknown words.",
            rate=report.lost_rate,
            kind=report.kind,
            size=report.size,
        )
    if report.bytes >= FEWEST_BYTES and report.unknown_rate > FLOODED_SPELLED:
        raise ContentError(
            "{rate:.0%} of the text is not in the {kind} tokenizer's {size} entries and would be spelled byte by byte. "
            "Learn the tokenizer from this text, give it a larger size, or use --tokenizer bytes.",
            rate=report.unknown_rate,
            kind=report.kind,
            size=report.size,
        )


class _Taken(Iterable[str]):
    """The texts up to a limit in bytes, counting as they pass."""

    def __init__(self, texts: Iterable[str], limit: int) -> None:
        self.documents = self.bytes = 0
        self._texts, self._limit = texts, limit

    def __iter__(self) -> Iterator[str]:
        for text in self._texts:
            clean = replace_surrogates(text)
            size = len(clean.encode())
            if self.bytes + size > self._limit:
                clean = clean.encode()[: self._limit - self.bytes].decode(errors="ignore")
                size = len(clean.encode())
            self.documents += 1
            self.bytes += size
            yield clean
            if self.bytes + 4 > self._limit:
                return


class _Unknown:
    """Counts the bytes of a text that a tokenizer has no piece for."""

    def __init__(self, tokenizer: TextTokenizer) -> None:
        self._kind = tokenizer.kind
        self._unknown = _unknown_id(tokenizer)
        vocabulary = tokenizer.backend.get_vocab(with_added_tokens=True)
        self._spelled = np.zeros(tokenizer.size, dtype=np.int64)  # (V,) bytes that a token spells without being text by itself
        if tokenizer.kind != "bytes":
            value = {symbol: byte for byte, symbol in enumerate(byte_symbols())}
            byte_level = "ByteLevel" in json.dumps(json.loads(tokenizer.to_json())["decoder"])
            for token, index in vocabulary.items():
                self._spelled[index] = _partial(token, value) if byte_level else int(bool(_BYTE_TOKEN.fullmatch(token)))

    def spelled(self, ids: NDArray[np.int64], encoding: Any) -> int:
        """Bytes that are spelled one by one although they belong together."""
        if self._kind != "words":  # of a word in bytes every byte is one, even those that are letters
            return int(self._spelled[ids].sum())
        places = np.array(encoding.word_ids, dtype=np.int64)  # (n,) which pre-token each token belongs to
        sizes = np.bincount(places) if len(places) else places
        return int(sizes[sizes > 1].sum())

    def lost(self, piece: str, ids: NDArray[np.int64], encoding: Any) -> int:
        """Bytes that became the unknown token; a literal <unk> in the text is itself."""
        if self._unknown is None:
            return 0
        stretches = (piece[slice(*encoding.offsets[place])] for place in np.flatnonzero(ids == self._unknown).tolist())
        return sum(len(stretch.encode()) for stretch in stretches if stretch != SPECIAL_TOKENS["unknown"])


def _unknown_id(tokenizer: TextTokenizer) -> int | None:
    """The id that stands for lost text; None where nothing is ever lost."""
    if tokenizer.kind == "words-closed":
        return list(SPECIAL_TOKENS).index("unknown")
    return tokenizer.specials.get("unknown") if tokenizer.kind == "foreign" else None


def _partial(token: str, value: dict[str, int]) -> int:
    """How many bytes a token of the byte alphabet has, if they are not whole characters; 0 if they are."""
    try:
        content = bytes(value[symbol] for symbol in token if symbol in value)
        content.decode()
    except UnicodeDecodeError:
        return len(content)
    return 0


def _examples(tokenizer: TextTokenizer, group: list[str], count: int) -> dict[str, tuple[str, ...]]:
    """The longest words near the start of the text, which show best how it is cut."""
    words = {word for text in group for word in islice(text[:4000].split(), 400)}
    chosen = sorted(words, key=lambda word: (-min(len(word), 24), word))[: max(count, 0)]
    return {word[:40]: tuple(tokenizer.tokens(tokenizer.encode(word[:40]))) for word in chosen}
