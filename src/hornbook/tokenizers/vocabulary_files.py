"""Tokenizers saved before tokenizer.json: vocab.txt (BERT's WordPiece), vocab.json with merges.txt (byte-level BPE)."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import AddedToken, decoders, models, normalizers, pre_tokenizers

WORDPIECE, BPE, MERGES = "vocab.txt", "vocab.json", "merges.txt"


def vocabulary_file(folder: Path) -> Path | None:
    """The file that describes a folder's tokenizer where there is no tokenizer.json; None when there is none either."""
    if (folder / WORDPIECE).is_file():
        return folder / WORDPIECE
    return folder / BPE if (folder / BPE).is_file() and (folder / MERGES).is_file() else None


def open_vocabulary(path: Path, settings: Mapping[str, Any], special: Collection[str]) -> tokenizers.Tokenizer:
    """The tokenizer of a vocabulary file, as transformers builds it; ValueError when the file is damaged.

    `settings`: tokenizer_config.json. `special`: how special tokens may be spelled; those in the vocabulary become special.
    """
    backend = _wordpiece(path, settings) if path.name == WORDPIECE else _byte_level(path, settings)
    known = backend.get_vocab()
    backend.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special if token in known])
    return backend


def _wordpiece(path: Path, settings: Mapping[str, Any]) -> tokenizers.Tokenizer:
    """BERT's basic tokenisation (clean, Chinese characters apart, lower case without accents), then the longest pieces."""
    lines = path.read_bytes().decode("utf-8").replace("\r\n", "\n").removesuffix("\n").split("\n")
    vocabulary = {token: index for index, token in enumerate(lines)}
    if len(vocabulary) < len(lines):
        raise ValueError("a token stands in it twice")
    unknown = settings.get("unk_token", "[UNK]")
    unknown = unknown.get("content") if isinstance(unknown, dict) else unknown
    if unknown not in vocabulary:
        raise ValueError(f"no {unknown} in it")
    backend = tokenizers.Tokenizer(models.WordPiece(vocabulary, unk_token=unknown))
    backend.normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=settings.get("tokenize_chinese_chars", True) is not False,
        strip_accents=settings.get("strip_accents"),
        lowercase=settings.get("do_lower_case", True) is not False,
    )
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece(prefix="##")
    return backend


def _byte_level(path: Path, settings: Mapping[str, Any]) -> tokenizers.Tokenizer:
    """GPT-2's cutting at spaces and letters in the byte alphabet, then the merges."""
    vocabulary = json.loads(path.read_bytes().decode("utf-8"))
    if not isinstance(vocabulary, dict) or not all(type(index) is int for index in vocabulary.values()):
        raise ValueError("not a table of tokens and ids")
    lines = path.with_name(MERGES).read_bytes().decode("utf-8").replace("\r\n", "\n").split("\n")
    merges: list[tuple[str, str]] = []
    for number, line in enumerate(lines):
        if line and not line.startswith("#version"):
            left, _, right = line.partition(" ")
            if not {left, right, left + right} <= vocabulary.keys():
                raise ValueError(f"line {number + 1} of {MERGES} does not join two tokens to a third")
            merges.append((left, right))
    backend = tokenizers.Tokenizer(models.BPE(vocabulary, merges))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=settings.get("add_prefix_space") is True)
    backend.decoder = decoders.ByteLevel()
    return backend
