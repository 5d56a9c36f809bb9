"""Train a recipe on a text."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hornbook import catalog
from hornbook.api.texts import Log, Sources, require, seconds_of, silent
from hornbook.core import artifact
from hornbook.core.config import merge
from hornbook.core.errors import UsageError
from hornbook.core.events import Event, Note

if TYPE_CHECKING:
    from hornbook.corpus.prepare import CorpusConfig
    from hornbook.tokenizers import TokenizerConfig


def train(
    recipe: str,
    sources: Sources,
    output: str | Path,
    *,
    style: str = "",
    budget: str | float = "",
    tokenizer: TokenizerConfig | Path | str | None = None,
    mix: str = "",
    corpus: CorpusConfig | None = None,
    overrides: Mapping[str, Any] | None = None,
    init_embeddings: str | Path | None = None,
    compare_init: bool = False,
    resume: bool = False,
    tensorboard: bool = False,
    seed: int = 1,
    device: str = "auto",
    nproc: int = 1,
    segmenter: str = "auto",
    log: Log = silent,
) -> dict[str, Any]:
    """Train one recipe on a text and write the model folder; returns what `hornbook train --json` prints.

    Sizes that `overrides` ("model.width", "training.steps", ...) leave open follow from the budget, "10m" for networks. Word
    vectors train for their epochs; a budget ends them earlier. The work folder OUTPUT.work holds corpus, shards and
    checkpoints; with `resume` an interrupted training goes on from there. `init_embeddings` names word vectors to start
    from: word vectors go on from them, a network's embedding table begins with them; with `compare_init` the network is
    trained a second time from a random table, for as many steps, and the difference is reported. With `nproc` above 1 that
    many processes train a network together, one per GPU or on parts of the cores. `segmenter` cuts text without spaces where a
    masked model hides whole words: a saved segmenter, "rjieba", "characters", or "auto". With `mix` ("0.3", "en=3,zh=1")
    every source is a text of its own, with its share of each batch and its own held-out score (tasks/mixed.py).
    """
    require(sources)
    from hornbook.corpus.prepare import CorpusConfig
    from hornbook.tasks import mixed, pretrain
    from hornbook.tasks.saving import save_model
    from hornbook.tasks.vectors import open_vectors, train_vectors

    found, output = catalog.recipe(recipe), Path(output)
    config = configured(found, style, overrides or {})
    if init_embeddings is None and compare_init:
        raise UsageError("--compare-init compares with word vectors: give them by --init-embeddings VECTORS")
    if init_embeddings is not None and found.reads == "tokens" and found.batches is None:
        raise UsageError("{recipe} has no embedding table: --init-embeddings is for networks", recipe=recipe)
    if nproc < 1:
        raise UsageError("--nproc is {nproc}: it must be at least 1", nproc=nproc)
    if nproc > 1 and found.batches is None:
        raise UsageError("--nproc is for networks; {recipe} uses threads: --threads", recipe=recipe)
    if mix and found.batches is None:
        raise UsageError("--mix shares the rows of a network's batches; {recipe} has none", recipe=recipe)
    seconds = seconds_of(budget or ("10m" if found.reads == "tokens" else 0.0))
    artifact.require_own(output)
    initial = None if init_embeddings is None else open_vectors(init_embeddings)
    work = output.parent / f"{output.name}.work"
    clear_work(work, resume=resume)
    settings, tokenizer = corpus or CorpusConfig(), tokenizer or found.tokenizer
    if mix:
        store = mixed.mixed_text(sources, work, mix=mix, config=settings, log=log)
        tokenizer = mixed.mixed_tokenizer(store, work, tokenizer, log=log)
    else:
        store = pretrain.prepare_text(sources, work, config=settings, log=log)
    if found.reads == "words":
        result = train_vectors(
            found, config, store, output, work=work, initial=initial, seconds=seconds, seed=seed, resume=resume, log=log
        )
        return {"model": str(output), **result}
    data = pretrain.prepare_data(store, work, tokenizer=tokenizer, log=log)
    config = _sized(found, config, data, seconds, overrides or {}, seed=seed, device=device, log=log)
    if mix:
        data = mixed.with_sources(data, work)
        mixed.show_mix(data, config.training.rows, log=log)
    if found.batches == "masked":
        from hornbook.tasks.masking import show_masks, with_word_starts

        if config.masking.units != "tokens":
            data = with_word_starts(data, segmenter, log=log)
        show_masks(found, config, data, log=log)
    with _curves(work / "tensorboard" if tensorboard else None, log) as heard:
        model, result = pretrain.fit_and_score(
            found, config, data, work=work, resume=resume, log=heard, initial=initial, compare=compare_init, nproc=nproc
        )
    result = {"model": str(output), **result}
    if init_embeddings is not None:
        result["init_embeddings"] = str(init_embeddings)
    data_facts = {"train_bytes": store.split("train").total_bytes, "shards": data.shards.fingerprint, "seed": seed}
    result["size_mb"] = save_model(model, output, recipe=found, config=config, run={**result, **data_facts})
    return result


def ablate(
    recipe: str,
    sources: Sources,
    output: str | Path,
    *,
    budget: str | float = "10m",
    corpus: CorpusConfig | None = None,
    overrides: Mapping[str, Any] | None = None,
    resume: bool = False,
    seed: int = 1,
    device: str = "auto",
    log: Log = silent,
) -> list[dict[str, Any]]:
    """Train the variants of a recipe, each switch alone and all together, `budget` each; the rows of the comparison.

    The models go to OUTPUT/variant-N, the rows to OUTPUT/ablation.json as they are done; with `resume` an interrupted
    comparison goes on.
    """
    require(sources)
    from hornbook.core.codec import plain
    from hornbook.corpus.prepare import CorpusConfig
    from hornbook.tasks import pretrain
    from hornbook.tasks.ablate import ablate as compare

    found, output, seconds = catalog.recipe(recipe), Path(output), seconds_of(budget)
    config = configured(found, "classic", overrides or {})
    work = output.parent / f"{output.name}.work"
    clear_work(work, resume=resume)
    output.mkdir(parents=True, exist_ok=True)
    store = pretrain.prepare_text(sources, work, config=corpus or CorpusConfig(), log=log)

    def size(config: Any, data: Any) -> Any:
        return _sized(found, config, data, seconds, overrides or {}, seed=seed, device=device, log=log)

    rows = compare(found, config, store, output, work=work, size=size, resume=resume, log=log)
    return [plain(row) for row in rows]


def configured(recipe: Any, style: str, overrides: Mapping[str, Any]) -> Any:
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


def clear_work(work: Path, *, resume: bool) -> None:
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
