"""Open a saved tokenizer: this project's, any tokenizer.json of the Hugging Face library, or the files before it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import tokenizers

from hornbook.core.errors import ContentError, UsageError
from hornbook.tokenizers.alphabet import FIRST_BYTE, SPECIAL_TOKENS, byte_symbols, pre_tokenizer
from hornbook.tokenizers.closed import KIND as CLOSED
from hornbook.tokenizers.closed import closed_normalizer
from hornbook.tokenizers.framed import unframed
from hornbook.tokenizers.tokenizer import HUGGING_FACE_NAMES, TextTokenizer
from hornbook.tokenizers.vocabulary_files import BPE, WORDPIECE, open_vocabulary, vocabulary_file

ALIASES = {
    "pad": ("<pad>", "[PAD]", "<|pad|>", "<|padding|>", "<|endofpad|>"),
    "unknown": ("<unk>", "[UNK]", "<|unk|>", "<UNK>"),
    "start": ("<s>", "[CLS]", "<bos>", "[BOS]", "<|startoftext|>", "<|begin_of_text|>", "<|bos|>", "<|endoftext|>"),
    "end": ("</s>", "<eos>", "[EOS]", "<|endoftext|>", "<|end_of_text|>", "<|eos|>", "<|im_end|>", "[SEP]"),
    "mask": ("<mask>", "[MASK]", "<|mask|>"),
    "separator": ("<sep>", "[SEP]", "</s>", "<|sep|>"),
}
"""What other tokenizers call the special tokens, where tokenizer_config.json does not say."""
_MOST_HOLES = 4096  # ids without a token that a vocabulary may have: more means a damaged file and an embedding of gigabytes


def load_tokenizer(folder: Path) -> TextTokenizer:
    """The tokenizer in a folder, or in a tokenizer.json itself; else of vocab.txt, or vocab.json and merges.txt.

    UsageError when the path does not exist; ContentError, one line, when the file is damaged or has no end token.
    """
    path = Path(folder)
    if path.is_dir():
        older = None if (path / "tokenizer.json").is_file() else vocabulary_file(path)
        path = older or path / "tokenizer.json"
    if not path.is_file():
        raise UsageError("{path} does not exist: a tokenizer is a folder with tokenizer.json", path=path)
    settings = {
        key: value
        for name in ("special_tokens_map.json", "tokenizer_config.json")
        for key, value in _optional(path.with_name(name)).items()
    }
    if path.name in (WORDPIECE, BPE):
        return _foreign(path, _older(path, settings), settings)
    table = _read_table(path)
    backend = _open(path, lambda: tokenizers.Tokenizer.from_file(str(path)))
    kind = _kind(table)
    if kind is None:
        return _foreign(path, backend, settings)
    if table.get("post_processor"):
        backend = tokenizers.Tokenizer.from_str(json.dumps(unframed(table)))
    names = [name for name in SPECIAL_TOKENS if not (kind == CLOSED and name == "unknown")]
    try:
        return TextTokenizer(backend, kind, specials={name: list(SPECIAL_TOKENS).index(name) for name in names})
    except ValueError as error:
        raise _damaged(path, error) from error


def _foreign(path: Path, backend: tokenizers.Tokenizer, settings: Mapping[str, Any]) -> TextTokenizer:
    specials = _specials(json.loads(backend.to_str()), backend, settings)
    if "end" not in specials:
        raise ContentError("{path} names no end token: add eos_token to tokenizer_config.json beside it", path=path)
    backend.add_special_tokens([backend.id_to_token(token_id) for token_id in specials.values()])
    return TextTokenizer(backend, "foreign", specials=specials, config=settings)


def _older(path: Path, settings: Mapping[str, Any]) -> tokenizers.Tokenizer:
    """A tokenizer from the files before tokenizer.json; its special tokens are those of the settings and of ALIASES."""
    named = [_content(value) for key, value in settings.items() if key.endswith("_token")]
    special = dict.fromkeys([*filter(None, named), *(alias for aliases in ALIASES.values() for alias in aliases)])
    return _open(path, lambda: open_vocabulary(path, settings, special))


def _read_table(path: Path) -> dict[str, Any]:
    try:
        table = json.loads(path.read_bytes().decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise _damaged(path, error) from error
    if not isinstance(table, dict) or not isinstance(table.get("model"), dict):
        raise _damaged(path, ValueError("no model in it"))
    return table


def _open(path: Path, read: Callable[[], tokenizers.Tokenizer]) -> tokenizers.Tokenizer:
    """What `read` makes of the file. A panic of its Rust side arrives as a BaseException that is no Exception."""
    try:
        backend = read()
        backend.no_padding()
        backend.no_truncation()
        backend.encode("a 1 中", add_special_tokens=False)
        ids = backend.get_vocab(with_added_tokens=True).values()
    except (KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError):
        raise
    except BaseException as error:
        raise _damaged(path, error) from error
    if not ids or max(ids) >= len(ids) + _MOST_HOLES:
        raise ContentError(
            "{path} is damaged: {tokens} tokens, but ids up to {largest}. Restore the file or train again.",
            path=path,
            tokens=len(ids),
            largest=max(ids, default=-1),
        )
    return backend


def _kind(table: Mapping[str, Any]) -> str | None:
    """Which of this project's kinds a tokenizer.json is, by its rules alone; None for a foreign one."""
    model, vocabulary = table["model"], table["model"].get("vocab")
    added = {entry.get("content"): entry.get("id") for entry in table.get("added_tokens") or [] if isinstance(entry, dict)}
    ours = {token: index for index, (name, token) in enumerate(SPECIAL_TOKENS.items())}
    if table.get("pre_tokenizer") == {"type": "WhitespaceSplit"} and model.get("type") == "WordLevel":
        ours.pop(SPECIAL_TOKENS["unknown"])
        normal = [json.loads(_state(closed_normalizer(lowercase))) for lowercase in (False, True)]
        return CLOSED if added == ours and table.get("normalizer") in normal else None
    if added != ours or table.get("normalizer") not in (None, {"type": "Lowercase"}) or not _has_bytes(vocabulary):
        return None
    kinds = {"BPE": ("bpe", "bytes", "chars", "words"), "WordPiece": ("wordpiece",), "Unigram": ("unigram", "words-segmented")}
    for kind in kinds.get(str(model.get("type")), ()):
        if table.get("pre_tokenizer") == json.loads(_state(pre_tokenizer(kind))):
            return kind
    return None


def _state(part: Any) -> str:
    """How tokenizer.json writes a normalizer or pre-tokenizer."""
    state: bytes = part.__getstate__()
    return state.decode()


def _has_bytes(vocabulary: Any) -> bool:
    """Whether ids 6 to 261 are the bytes in order, as in every lossless kind."""
    symbols = byte_symbols()
    if isinstance(vocabulary, dict):
        return all(vocabulary.get(symbol) == FIRST_BYTE + byte for byte, symbol in enumerate(symbols))
    if isinstance(vocabulary, list) and len(vocabulary) >= FIRST_BYTE + 256:
        return [entry[0] for entry in vocabulary[FIRST_BYTE : FIRST_BYTE + 256]] == symbols
    return False


def _optional(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        table = json.loads(path.read_bytes().decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise _damaged(path, error) from error
    return table if isinstance(table, dict) else {}


def _specials(table: Mapping[str, Any], backend: tokenizers.Tokenizer, settings: Mapping[str, Any]) -> dict[str, int]:
    """Ids of the special tokens: as the settings name them, else by the names in ALIASES among the file's special tokens."""
    listed = {
        entry.get("content") for entry in table.get("added_tokens") or [] if isinstance(entry, dict) and entry.get("special")
    }
    unknown = table["model"].get("unk_token")
    found: dict[str, int] = {}
    for name, aliases in ALIASES.items():
        keys = (HUGGING_FACE_NAMES[name], "cls_token") if name == "start" else (HUGGING_FACE_NAMES[name],)
        named = [_content(settings.get(key)) for key in keys]
        known = [alias for alias in aliases if alias in listed or (name == "unknown" and alias == unknown)]
        for token in (*named, *known):
            if token and (token_id := backend.token_to_id(token)) is not None:
                found[name] = token_id
                break
    return found


def _content(entry: Any) -> str | None:
    """A token that a settings file writes as text or as {"content": text, ...}."""
    value = entry.get("content") if isinstance(entry, dict) else entry
    return value if isinstance(value, str) else None


def _damaged(path: Path, error: BaseException) -> ContentError:
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    return ContentError("{path} is damaged: {error}. Restore the file or train again.", path=path, error=reason)
