"""Say how good a model is: evaluate one, race all."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hornbook import catalog
from hornbook.api.opening import language_model, load
from hornbook.api.texts import Log, Sources, require, scratch_store, seconds_of, silent
from hornbook.core.errors import UsageError

if TYPE_CHECKING:
    from hornbook.compare.results import RaceResult
    from hornbook.corpus.prepare import CorpusConfig
    from hornbook.tokenizers import TokenizerConfig


def evaluate(
    model: str | Path, sources: Sources = (), *, corpus: CorpusConfig | None = None, column: str = "auto", log: Log = silent
) -> dict[str, Any]:
    """How good a saved model is on given data; what `hornbook evaluate --json` prints.

    A language model: bits per byte of a text, with its interval. Word vectors, a folder or a file of them: one result for each
    test file, or for a text the test that is made from it. A corpus folder, or sources with a split named test, are scored
    on that split; any other text whole. A tagger: accuracy on labelled sentences, the labels in `column`; a word segmenter: F1
    on segmented text.
    """
    import tempfile

    from hornbook.corpus.prepare import CorpusConfig
    from hornbook.corpus.shards import encode_store
    from hornbook.embeddings.vectors import WordVectors
    from hornbook.scoring.lm import bits_per_byte
    from hornbook.tasks import ngrams, sequences, vectors

    require(sources)
    if not sources:
        raise UsageError("give something to evaluate {model} on: a text, or test files of word vectors", model=model)
    opened = vectors.open_vectors(model, log=log) if Path(model).is_file() and not ngrams.is_arpa(model) else load(model)
    if sequences.is_segmenter(opened) or sequences.is_tagger(opened):
        return sequences.evaluate(opened, [Path(source) for source in sources], column=column, log=log)
    with tempfile.TemporaryDirectory(prefix="hornbook-") as scratch:
        if isinstance(opened, WordVectors):
            if vectors.are_tests(sources):
                return vectors.evaluate_tests(opened, sources, log=log)
            return vectors.evaluate_on_text(opened, scratch_store(sources, Path(scratch), corpus, log), log=log)
        settings = dataclasses.replace(corpus or CorpusConfig(), raw=True)
        store = scratch_store(sources, Path(scratch), settings, log)
        shards = encode_store(store, language_model(opened, model).tokenizer, Path(scratch) / "shards", log=log)
        name = next(name for name in ("test", "valid", "train") if len(shards.split(name)))
        ngrams.warn_of_unknown(opened.tokenizer, shards.split(name).tokens, log=log)
        score = bits_per_byte(opened, shards.split(name))
    return {
        "bits_per_byte": score.bits_per_byte,
        "bits_per_byte_ci95": list(score.bits_per_byte_ci95) if score.bits_per_byte_ci95 else None,
        "perplexity": score.perplexity,
        "tokens": score.tokens,
        "bytes": score.bytes,
        "split": name,
        "interval_unit": score.unit_kind,
        "interval_units": len(score.unit_nats),
        "notes": list(score.notes),
    }


def race(
    sources: Sources,
    output: str | Path,
    *,
    budget: str | float = "10m",
    contestants: Sequence[str] = (),
    style: str = "",
    tokenizer: TokenizerConfig | Path | str | None = None,
    corpus: CorpusConfig | None = None,
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
    resume: bool = False,
    seed: int = 1,
    device: str = "auto",
    command: str = "",
    demo: bool = False,
    log: Log = silent,
) -> RaceResult:
    """Train every generation on one text under one budget, rank them, write report and model folders into `output`.

    With `demo` the text is what every Python installation carries, and `sources` stay empty.
    """
    seconds = seconds_of(budget)
    for name in contestants:
        catalog.require_recipe(name)
    require(sources)
    from hornbook.compare.race import RaceConfig
    from hornbook.compare.race import race as run_race
    from hornbook.corpus.prepare import CorpusConfig

    config = RaceConfig(
        budget=seconds,
        contestants=tuple(contestants) or tuple(catalog.RECIPES),
        style=style,
        tokenizer=tokenizer or "bpe",
        corpus=corpus or CorpusConfig(),
        seed=seed,
        device=device,
        overrides=dict(overrides or {}),
    )
    return run_race(sources, Path(output), config, resume=resume, command=command, demo=demo, log=log)
