"""Say how good a model is: evaluate one, race all."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hornbook import catalog
from hornbook.api.opening import language_model, open_any
from hornbook.api.texts import Log, Sources, require, scratch_store, seconds_of, silent
from hornbook.core.errors import UsageError

if TYPE_CHECKING:
    from hornbook.compare.results import RaceResult
    from hornbook.corpus.label_columns import TextColumns
    from hornbook.corpus.prepare import CorpusConfig
    from hornbook.corpus.shards import ShardSplit
    from hornbook.tasks.minimal_pairs import By
    from hornbook.tokenizers import TokenizerConfig

_ROW = 128  # tokens of a row of hidden tokens, as most models are trained


def evaluate(
    model: str | Path,
    sources: Sources = (),
    *,
    corpus: CorpusConfig | None = None,
    column: str = "auto",
    columns: TextColumns | None = None,
    by: By = "auto",
    per_paradigm: int | None = None,
    pseudo_tokens: int = 4_096,
    seed: int = 1,
    report: str | Path | None = None,
    train: Sources = (),
    command: str = "",
    log: Log = silent,
) -> dict[str, Any]:
    """How good a saved model is on given data; what `hornbook evaluate --json` prints.

    A language model: bits per byte of a text, with its interval. Word vectors, a folder or a file of them: one result for each
    test file, or for a text the test that is made from it. A corpus folder, or sources with a split named test, are scored
    on that split; any other text whole. A tagger: accuracy on labelled sentences, the labels in `column`; a word segmenter: F1
    on segmented text. A classifier: accuracy and macro-F1 on labelled texts, `columns` of which hold them (guessed by default).
    With `report`, a folder, also calibration, worst errors and likely label errors, as a page there; `train` are the texts it
    learned from, of which the page shows the nearest to each error, and `command` what it says to run again.

    Minimal pairs (BLiMP, SLING, tables with the columns sentence_good and sentence_bad): accuracy by paradigm; `by` and
    `per_paradigm` are those of `hornbook.tasks.minimal_pairs.evaluate_pairs`. A model that guesses hidden tokens, on a text:
    pseudo-perplexity and pseudo bits per byte of about `pseudo_tokens` of it, and the masked accuracy that training reports,
    of all of it; never bits per byte.
    """
    import tempfile

    from hornbook.corpus.label_columns import TextColumns
    from hornbook.corpus.prepare import CorpusConfig
    from hornbook.corpus.shards import encode_store
    from hornbook.embeddings.vectors import WordVectors
    from hornbook.scoring.lm import bits_per_byte
    from hornbook.tasks import minimal_pairs, ngrams, sequences, texts, vectors

    require(sources)
    require(train)
    if train and report is None:
        raise UsageError("--against names training texts for a report: give --report DIR too")
    if not sources:
        raise UsageError("give something to evaluate {model} on: a text, or test files of word vectors", model=model)
    opened = open_any(model, log=log)
    if report is not None:
        return _judged(opened, model, sources, Path(report), train, columns, corpus, command, log)
    if sequences.is_segmenter(opened) or sequences.is_tagger(opened):
        return sequences.evaluate(opened, [Path(source) for source in sources], column=column, log=log)
    if texts.is_classifier(opened):
        paths, read = [Path(source) for source in sources], corpus.read if corpus else None
        return texts.evaluate(opened, Path(model), paths, columns=columns or TextColumns(), read=read, log=log)
    if is_scorer(opened) and minimal_pairs.are_pairs(sources):
        return minimal_pairs.evaluate_pairs(opened, sources, by=by, per_paradigm=per_paradigm, seed=seed, log=log)
    with tempfile.TemporaryDirectory(prefix="hornbook-") as scratch:
        if isinstance(opened, WordVectors):
            if vectors.are_tests(sources):
                return vectors.evaluate_tests(opened, sources, log=log)
            return vectors.evaluate_on_text(opened, scratch_store(sources, Path(scratch), corpus, log), log=log)
        settings = dataclasses.replace(corpus or CorpusConfig(), raw=True)
        store = scratch_store(sources, Path(scratch), settings, log)
        masked = hasattr(opened, "masked_log_probs")
        tokenizer = (opened if masked else language_model(opened, model)).tokenizer
        shards = encode_store(store, tokenizer, Path(scratch) / "shards", log=log)
        name = next(name for name in ("test", "valid", "train") if len(shards.split(name)))
        ngrams.warn_of_unknown(opened.tokenizer, shards.split(name).tokens, log=log)
        if masked:
            return {**_masked_facts(opened, shards.split(name), tokens=pseudo_tokens, seed=seed), "split": name}
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


def _judged(
    opened: Any,
    model: str | Path,
    sources: Sources,
    report: Path,
    train: Sources,
    columns: TextColumns | None,
    corpus: CorpusConfig | None,
    command: str,
    log: Log,
) -> dict[str, Any]:
    """Scores of a classifier, asked once, and what `tasks.judge` finds; the page is written into `report`."""
    from hornbook.compare.report.judge_page import write_judgement
    from hornbook.core import artifact
    from hornbook.corpus.label_columns import TextColumns
    from hornbook.tasks import judge, texts

    if not texts.is_classifier(opened):
        raise UsageError("--report is for classifiers of texts, {model} is none", model=model)
    artifact.require_own(report)
    chosen, read = columns or TextColumns(), corpus.read if corpus else None
    data = [Path(source) for source in sources]
    sample = texts.labelled_sample(opened, data, columns=chosen, read=read, log=log)
    texts.require_known(sample, opened.labels_)
    known = None
    if train:
        learned = [Path(source) for source in train]
        known = texts.labelled_sample(opened, learned, columns=chosen, prefer=("train", "valid", "test"), read=read, log=log)
    asked = judge.ask(opened, sample.texts)
    seen = texts.load_seen(Path(model))
    scores = texts.score_classifier(asked, sample, seen=seen, log=log)
    found = judge.judge(asked, sample, train=known, seen=seen, log=log)
    shown = ", ".join(str(source) for source in data)
    write_judgement(found, scores, report, model=str(model), data=shown, command=command)
    return {**scores, **found.facts(), "report": str(report / "index.html")}


def _masked_facts(model: Any, split: ShardSplit, *, tokens: int, seed: int) -> dict[str, Any]:
    """What a text says of a model that guesses hidden tokens."""
    from hornbook.scoring.masked import hidden_rows, masked_score
    from hornbook.scoring.pseudo import pseudo_score

    pseudo = pseudo_score(model, split, tokens=tokens, seed=seed)
    rows = hidden_rows(split, model.tokenizer, length=min(_ROW, model.config.context))
    return {**masked_score(model.module, rows).facts(), **pseudo.facts()}


def is_scorer(opened: Any) -> bool:
    """Whether a model gives numbers to sentences: a language model, or one that guesses hidden tokens."""
    return hasattr(opened, "log_probs") or hasattr(opened, "masked_log_probs")


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
    task: str = "",
    data: str | Path | None = None,
    log: Log = silent,
) -> RaceResult:
    """Train every generation on one text under one budget, rank them, write report and model folders into `output`.

    With `demo` the text is what every Python installation carries, and `sources` stay empty. With `task` ("classify", "tag")
    every contestant is fine-tuned on the labelled `data` in the second half of the budget, simple classifiers beside it.
    """
    seconds = seconds_of(budget)
    if bool(task) != (data is not None):
        raise UsageError("--task and --data go together: what is to be learned, and the labelled data to learn it from")
    if data is not None:
        catalog.task(task)
        require([data])
    for name in contestants:
        catalog.require_recipe(name)
    require(sources)
    from hornbook.compare.race import RaceConfig
    from hornbook.compare.race import race as run_race
    from hornbook.compare.task_scores import TaskData
    from hornbook.corpus.prepare import CorpusConfig

    config = RaceConfig(
        budget=seconds,
        contestants=tuple(contestants),
        style=style,
        tokenizer=tokenizer or "bpe",
        corpus=corpus or CorpusConfig(),
        seed=seed,
        device=device,
        overrides=dict(overrides or {}),
        task=None if data is None else TaskData(task, Path(data)),
    )
    return run_race(sources, Path(output), config, resume=resume, command=command, demo=demo, log=log)
