"""Tokenizers of masked models as other programs read them: texts between start and end, a mask that may be written in a text.

Here rows are framed and masked as ids, by the batches; `transformers` reads how from the files. What is added to the files of
our own kinds is taken off again when they are opened, so that a tokenizer stays the same through any number of saves.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hornbook.core.artifact import write_text_atomic
from hornbook.tokenizers.alphabet import byte_symbols
from hornbook.tokenizers.tokenizer import HUGGING_FACE_NAMES, TextTokenizer


def save_framed(tokenizer: TextTokenizer, folder: Path, *, segments: bool) -> None:
    """Write tokenizer.json and tokenizer_config.json of a masked model; `segments`: its network reads token types.

    A tokenizer of another program keeps the frame it came with.
    """
    table, specials = json.loads(tokenizer.to_json()), tokenizer.specials
    strips = tokenizer.kind != "foreign" and _begins_with_space(tokenizer)
    if tokenizer.kind != "foreign":
        table["post_processor"] = _frame(tokenizer)
        for entry in table["added_tokens"]:
            entry["lstrip"] = strips and entry["id"] == specials["mask"]
    settings = tokenizer.settings() | {"split_special_tokens": False}  # else no text could name the mask
    settings.setdefault("model_input_names", ["input_ids", *(["token_type_ids"] if segments else []), "attention_mask"])
    for key, name in (("cls_token", "start"), ("sep_token", "separator")):
        if name in specials:
            settings.setdefault(key, tokenizer.backend.id_to_token(specials[name]))
    if strips:
        settings[HUGGING_FACE_NAMES["mask"]] = _stripping(settings[HUGGING_FACE_NAMES["mask"]])
    write_text_atomic(folder / "tokenizer.json", json.dumps(table, indent=2, ensure_ascii=False))
    write_text_atomic(folder / "tokenizer_config.json", json.dumps(settings, indent=2, ensure_ascii=False) + "\n")


def unframed(table: Mapping[str, Any]) -> dict[str, Any]:
    """A tokenizer.json of one of our own kinds without what `save_framed` adds."""
    tokens = [entry | {"lstrip": False} for entry in table["added_tokens"]]
    return {**table, "post_processor": None, "added_tokens": tokens}


def _frame(tokenizer: TextTokenizer) -> dict[str, Any]:
    """`start text end`, and `start first separator second end` with 1 for `second end` (corpus/pair_batches.py)."""
    specials = tokenizer.specials
    ids = {name: specials.get(name, specials["end"]) for name in ("start", "separator", "end")}
    spelled = {name: tokenizer.backend.id_to_token(one) for name, one in ids.items()}
    start, separator, end, end_of_second = (
        {"SpecialToken": {"id": spelled[name], "type_id": part}}
        for name, part in (("start", 0), ("separator", 0), ("end", 0), ("end", 1))
    )
    first, second = ({"Sequence": {"id": name, "type_id": part}} for part, name in enumerate("AB"))
    return {
        "type": "TemplateProcessing",
        "single": [start, first, end],
        "pair": [start, first, separator, second, end_of_second],
        "special_tokens": {spelled[name]: {"id": spelled[name], "ids": [ids[name]], "tokens": [spelled[name]]} for name in ids},
    }


def _begins_with_space(tokenizer: TextTokenizer) -> bool:
    """Whether words have the space before them inside, as the word in the mask's place then has."""
    space = byte_symbols()[ord(" ")]
    return any(len(name) > 1 and name[0] == space for name in tokenizer.tokens(range(tokenizer.size)))


def _stripping(token: str) -> dict[str, Any]:
    """A token that takes the space before it, as tokenizer_config.json writes it."""
    flags = {"lstrip": True, "rstrip": False, "normalized": False, "single_word": False, "special": True}
    return {"__type": "AddedToken", "content": token, **flags}
