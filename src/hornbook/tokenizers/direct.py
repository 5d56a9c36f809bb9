"""Characters and bytes to ids by table: what the Rust side does one pre-token at a time is one look-up here."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hornbook.core.types import Ids
from hornbook.tokenizers.alphabet import FIRST_BYTE, byte_symbols


class CharacterTable:
    """The id of every character that has one; the others are spelled in bytes."""

    def __init__(self, vocabulary: Mapping[str, int]) -> None:
        """`vocabulary` of a `chars` or `bytes` tokenizer, in the byte alphabet; ValueError when an entry is no character."""
        self._ids: NDArray[np.int32] = np.full(0x110000, -1, dtype=np.int32)
        self._ids[:0x80] = FIRST_BYTE + np.arange(0x80)
        values = {symbol: byte for byte, symbol in enumerate(byte_symbols())}
        for token, index in vocabulary.items():
            if index >= FIRST_BYTE + 256:
                text = bytes(values.get(symbol, 0xFF) for symbol in token).decode()
                if len(text) != 1:
                    raise ValueError(f"entry {index} is not one character")
                self._ids[ord(text)] = index

    def encode(self, text: str) -> Ids:
        """(n,) int32 ids of a text without surrogates."""
        codes = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
        ids = self._ids[codes]
        spelled = ids < 0
        if not spelled.any():
            return ids
        extra = (codes >= 0x80).astype(np.int64) + (codes >= 0x800) + (codes >= 0x10000)  # (n,) UTF-8 bytes beyond the first
        lengths = 1 + spelled * extra  # (n,) ids of each character
        is_byte = np.repeat(spelled, lengths)
        result = np.empty(len(is_byte), dtype=np.int32)
        result[~is_byte] = ids[~spelled]
        characters = codes[spelled].astype("<u4").tobytes().decode("utf-32-le")
        result[is_byte] = FIRST_BYTE + np.frombuffer(characters.encode(), dtype=np.uint8).astype(np.int32)
        return result
