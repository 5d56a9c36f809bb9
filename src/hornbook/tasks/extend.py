"""A network whose tokenizer takes new tokens before it is trained on: which ones, what they are worth, and their rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from hornbook.core import artifact
from hornbook.core.errors import translate
from hornbook.core.events import Alarm, Event, Note
from hornbook.corpus.shards import ShardSplit
from hornbook.corpus.store import TextSplit, TextStore
from hornbook.scoring.lm import bits_per_byte
from hornbook.statistical.ngram import NgramLM
from hornbook.statistical.ngram_config import NgramConfig
from hornbook.tasks.vocabulary import head
from hornbook.tokenizers import TextTokenizer
from hornbook.tokenizers.extend import NewToken, extend, propose

Log = Callable[[Event], None]
FACTS = "extension.json"
_SHOWN = 20
_ORDER = 3  # of the model that weighs the tokens
_CHARACTERS = 2_000_000  # of text it learns from, and a fifth of them to measure on


@dataclass(frozen=True)
class Worth:
    """How a tokenizer cuts held-out text, and what a trigram model over its tokens then needs for a byte of it."""

    tokens: int
    bits_per_byte: float | None


def extended(open_model: Callable[[], Any], store: TextStore, folder: Path, *, count: int, log: Log) -> dict[str, Any]:
    """Write the model with up to `count` new tokens for the text into `folder`, unless an interrupted run did; what was added.

    The first tokens are shown with their gain, and all of them measured on held-out text. UsageError for a tokenizer that
    cannot grow, ContentError when the text has nothing to add.
    """
    if not (folder / artifact.MANIFEST).is_file():
        model = open_model()
        train = store.split("train")
        found = propose(model.tokenizer, train, count=count)
        tokenizer = extend(model.tokenizer, found)
        _show(found, log)
        facts = _measured(model.tokenizer, tokenizer, store, log) | {"new_tokens": len(found)}
        listed = [{"text": token.text, "saved": token.saved, "bits": round(token.bits, 1)} for token in _best(found)]
        larger = grown(model, tokenizer, {model.tokenizer.size + at: token.pieces for at, token in enumerate(found)})
        with artifact.writing(folder) as temporary:
            larger.save_files(temporary)
            text = json.dumps({**facts, "new_tokens_best": listed}, ensure_ascii=False, indent=1)
            (temporary / FACTS).write_text(text + "\n", "utf-8")
    table: dict[str, Any] = json.loads((folder / FACTS).read_text("utf-8"))
    return table


def grown(model: Any, tokenizer: TextTokenizer, pieces: Mapping[int, Sequence[int]]) -> Any:
    """The network with a row for every id of a larger tokenizer; a new id begins as the mean of the rows of its pieces.

    Every tensor with one row a token grows: the embedding table, an untied head, an output bias. All else is copied, so the
    states of a text without new tokens stay what they were.
    """
    vocabulary = max(model.vocabulary, tokenizer.size)
    config = replace(model.config, vocabulary=vocabulary)
    module: Any = type(model).build(config, vocabulary)
    tables = (module.embedding.weight, module.output_weight, module.output_bias)
    rows = {name for name, weight in module.named_parameters() if any(weight is table for table in tables)}
    old = model.module.state_dict()
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if name not in rows:
                tensor.copy_(old[name])
                continue
            tensor[: model.vocabulary] = old[name]
            for number, parts in pieces.items():
                tensor[number] = old[name][list(parts)].mean(dim=0)
    return type(model)(tokenizer, config, module.eval())


def _best(found: Sequence[NewToken]) -> list[NewToken]:
    return sorted(found, key=lambda token: -token.saved)[:_SHOWN]


def _show(found: Sequence[NewToken], log: Log) -> None:
    shown = "; ".join(f"{token.text!r} {token.saved:,} ({token.bits:,.0f})" for token in _best(found))
    log(
        Note(
            translate("{count:,} new tokens; what the first save, in tokens (in bits): {shown}").format(
                count=len(found), shown=shown
            )
        )
    )


def _measured(old: TextTokenizer, new: TextTokenizer, store: TextStore, log: Log) -> dict[str, Any]:
    """What the new tokens are worth on text they were not chosen from."""
    splits = [store.split(name) for name in ("valid", "test") if name in store.splits and len(store.split(name))]
    if not splits:
        return {}
    before, after = (_worth(tokenizer, store.split("train"), splits[0]) for tokenizer in (old, new))
    facts: dict[str, Any] = {"held_out_tokens_before": before.tokens, "held_out_tokens_after": after.tokens}
    if before.bits_per_byte is None or after.bits_per_byte is None:
        return facts
    facts |= {"trigram_before": before.bits_per_byte, "trigram_after": after.bits_per_byte}
    told = {"share": after.tokens / before.tokens - 1, "before": before.bits_per_byte, "after": after.bits_per_byte}
    log(
        Note(
            translate(
                "held-out text: {share:+.1%} tokens; a trigram model: {before:.4f} bits per byte before, {after:.4f} after"
            ).format(**told)
        )
    )
    if after.tokens > 0.99 * before.tokens:
        log(
            Alarm(
                translate("the new tokens hardly shorten text that they were not chosen from"),
                translate("train on without --new-tokens, or give more text"),
            )
        )
    return facts


def _worth(tokenizer: TextTokenizer, train: TextSplit, held: TextSplit) -> Worth:
    model = NgramLM(tokenizer, NgramConfig(order=_ORDER)).fit(_encoded(tokenizer, train, _CHARACTERS))
    split = _encoded(tokenizer, held, _CHARACTERS // 5)
    return Worth(int(split.tokens.size), bits_per_byte(model, split, resamples=2).bits_per_byte)


def _encoded(tokenizer: TextTokenizer, texts: TextSplit, characters: int) -> ShardSplit:
    parts = list(head(texts, characters))
    return ShardSplit.from_documents(tokenizer.encode_batch(parts), [len(part.encode()) for part in parts])
