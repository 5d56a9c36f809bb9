"""The one tokenizer class of the project, around a tokenizer of the Hugging Face library."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tokenizers
from numpy.typing import NDArray

from hornbook.core.artifact import write_text_atomic
from hornbook.core.types import SPECIALS, Ids
from hornbook.tokenizers.alphabet import cutter
from hornbook.tokenizers.chunks import CHUNK, Boundary, anywhere, before_space, between_pretokens, chunks, replace_surrogates
from hornbook.tokenizers.direct import CharacterTable

_GROUP = 1 << 20  # characters encoded before their ids are moved to numpy: bounds the Rust side's bookkeeping
HUGGING_FACE_NAMES = {
    "pad": "pad_token",
    "unknown": "unk_token",
    "start": "bos_token",
    "end": "eos_token",
    "mask": "mask_token",
    "separator": "sep_token",
}


class TextTokenizer:
    """Text to ids and back (protocol `hornbook.core.types.Tokenizer`).

    kind: one of KINDS, "words-closed" for a closed vocabulary, "words-segmented" for one that a segmenter found, or "foreign"
        for a file that another program wrote.
    lossless: whether decode(encode(text)) == text for every text that UTF-8 can hold; lone surrogates become U+FFFD first.
    backend: the `tokenizers.Tokenizer` inside.
    """

    def __init__(
        self, backend: tokenizers.Tokenizer, kind: str, *, specials: Mapping[str, int], config: Mapping[str, Any] | None = None
    ) -> None:
        backend.no_padding()
        backend.no_truncation()
        backend.encode_special_tokens = True  # text that looks like a special token is text
        self.backend = backend
        self.kind = kind
        self.lowercase = kind not in ("foreign", "words-closed") and backend.normalizer is not None
        self.lossless = kind not in ("foreign", "words-closed") and not self.lowercase
        self._specials = {name: specials[name] for name in SPECIALS if name in specials}
        self._size = 1 + max(backend.get_vocab(with_added_tokens=True).values())
        self._dtype = np.uint16 if self._size <= 1 << 16 else np.uint32
        self._boundary = _boundary(kind)
        by_table = kind in ("chars", "bytes") and not self.lowercase
        self._table = CharacterTable(backend.get_vocab(with_added_tokens=True)) if by_table else None
        self._config = dict(config or {})

    @property
    def size(self) -> int:
        """Vocabulary size, special tokens included; every id is below it."""
        return self._size

    @property
    def specials(self) -> Mapping[str, int]:
        """Special token name to id; the <unk> of a closed vocabulary is an ordinary word and not listed."""
        return self._specials

    @property
    def dtype(self) -> Any:
        """numpy type of the ids: uint16 up to 65,536 of them, uint32 beyond."""
        return self._dtype

    @property
    def config(self) -> Mapping[str, Any]:
        """What tokenizer_config.json said beside the special tokens."""
        return self._config

    def encode(self, text: str) -> Ids:
        """(n,) ids of a text, no special tokens added; what looks like one is spelled out. TypeError unless a str."""
        return self.encode_batch([text])[0]

    def encode_batch(self, texts: Sequence[str]) -> list[Ids]:
        """The same for many texts at once, using every core; a TypeError names the index of what is not a str."""
        _require_texts(texts)
        if self._table is not None:
            return [self._table.encode(replace_surrogates(text)).astype(self._dtype) for text in texts]
        results: list[Ids] = []
        parts: list[Ids] = []
        for ids, last in self._encode_chunks(self._chunks(texts)):
            parts.append(ids)
            if last:
                results.append(parts[0] if len(parts) == 1 else np.concatenate(parts))
                parts = []
        return results

    def encode_with_offsets(self, texts: Sequence[str]) -> list[tuple[Ids, NDArray[np.int64]]]:
        """Ids of each text, as `encode_batch` gives them, and (n, 2) where every token begins and ends in it, in characters.

        Tokens that share a character, as its bytes do, share its place.
        """
        _require_texts(texts)
        clean = [replace_surrogates(text) for text in texts]
        encodings = self.backend.encode_batch(clean, add_special_tokens=False)
        return [
            (np.array(encoding.ids, dtype=self._dtype), np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2))
            for encoding in encodings
        ]

    def decode(self, ids: Sequence[int] | Ids) -> str:
        """The text of the ids; special tokens give nothing, bytes that are not UTF-8 give U+FFFD. ValueError beyond `size`."""
        array = np.asarray(ids, dtype=np.int64)
        if array.size and (array.min() < 0 or array.max() >= self._size):
            raise ValueError(f"token ids must lie in 0..{self._size - 1}")
        text: str = self.backend.decode(array.tolist(), skip_special_tokens=True)
        return text

    def tokens(self, ids: Sequence[int] | Ids) -> list[str]:
        """How tokenizer.json spells each id (byte alphabet: Ġ is a space, Ċ a line end)."""
        return [self.backend.id_to_token(int(one)) or "" for one in ids]

    def to_json(self) -> str:
        """The whole tokenizer as tokenizer.json holds it: equal tokenizers, equal text."""
        text: str = self.backend.to_str(pretty=True)
        return text

    def save_pretrained(self, folder: Path) -> None:
        """Write tokenizer.json and tokenizer_config.json into an existing folder; `transformers` opens both."""
        write_text_atomic(Path(folder) / "tokenizer.json", self.to_json())
        write_text_atomic(
            Path(folder) / "tokenizer_config.json", json.dumps(self.settings(), indent=2, ensure_ascii=False) + "\n"
        )

    def settings(self) -> dict[str, Any]:
        """What tokenizer_config.json says."""
        settings: dict[str, Any] = {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "clean_up_tokenization_spaces": False,
            "split_special_tokens": True,  # text cannot inject control tokens there either; a loader may override it
            **{key: value for key, value in self._config.items() if key != "auto_map"},
        }
        for name, token_id in self._specials.items():
            settings[HUGGING_FACE_NAMES[name]] = self.backend.id_to_token(token_id)
        return settings

    def _chunks(self, texts: Iterable[str]) -> Iterator[tuple[str, bool]]:
        """Every text in pieces that tokenize as in the whole, and whether a piece ends its text."""
        for text in texts:
            clean = replace_surrogates(text)
            if self._boundary is None or len(clean) <= CHUNK:
                yield clean, True
                continue
            if self.lowercase:  # folding can change lengths: cut what the pattern will see
                clean = self.backend.normalizer.normalize_str(clean)
            waiting: str | None = None
            for piece in chunks(clean, self._boundary):
                if waiting is not None:
                    yield waiting, False
                waiting = piece
            yield waiting or "", True

    def _encode_chunks(self, pieces: Iterable[tuple[str, bool]]) -> Iterator[tuple[Ids, bool]]:
        group: list[str] = []
        lasts: list[bool] = []
        characters = 0
        for piece, last in pieces:
            group.append(piece)
            lasts.append(last)
            characters += len(piece) + 64
            if characters >= _GROUP:
                yield from zip(self._encode_group(group), lasts, strict=True)
                group, lasts, characters = [], [], 0
        yield from zip(self._encode_group(group), lasts, strict=True)

    def _encode_group(self, group: list[str]) -> list[Ids]:
        encodings = self.backend.encode_batch_fast(group, add_special_tokens=False) if group else []
        return [np.array(encoding.ids, dtype=self._dtype) for encoding in encodings]


def _require_texts(texts: Sequence[object]) -> None:
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(f"text {index} is {type(text).__name__}, not str")


def _boundary(kind: str) -> Boundary | None:
    """Where long text may be cut; None where nothing is known about the rules (a foreign file): it is then encoded whole."""
    if kind == "foreign":
        return None
    if kind == "words-closed":
        return before_space
    return anywhere if kind in ("chars", "bytes") else between_pretokens(cutter(kind).pre_tokenize_str)
