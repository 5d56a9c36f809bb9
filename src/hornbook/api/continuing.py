"""Train a saved network on."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hornbook import catalog
from hornbook.api.opening import load
from hornbook.api.texts import Log, Sources, require, seconds_of, silent
from hornbook.api.training import clear_work
from hornbook.core import artifact
from hornbook.core.config import merge
from hornbook.core.errors import UsageError, nearest

if TYPE_CHECKING:
    from hornbook.corpus.prepare import CorpusConfig


def train_on(
    model: str | Path,
    sources: Sources,
    output: str | Path,
    *,
    objective: str = "",
    replay: Sources = (),
    replay_share: float = 0.1,
    new_tokens: int = 0,
    budget: str | float = "10m",
    corpus: CorpusConfig | None = None,
    overrides: Mapping[str, Any] | None = None,
    resume: bool = False,
    seed: int = 1,
    device: str = "auto",
    nproc: int = 1,
    segmenter: str = "auto",
    log: Log = silent,
) -> dict[str, Any]:
    """Train a saved network (our own or in Hugging Face layout) on new text; returns what `hornbook train --json` prints.

    The sizes stay. The tokenizer stays too, unless up to `new_tokens` frequent strings of the new text are added to it: they
    begin as the mean of their pieces, and are measured on held-out text before training. `objective` ("mlm" or "causal") must
    fit the network; a checkpoint that only encodes gets a new head for hidden tokens. Of each batch `replay_share` of the
    rows are from `replay`, the text it knew before; with it held-out scores before and after tell what was forgotten. Gains
    are in bits (of a causal model) or nats (of hidden tokens), above zero better.
    """
    start, output = Path(model), Path(output)
    if not start.is_dir():
        raise UsageError("no recipe and no model folder '{name}'.{hint}", name=model, hint=nearest(str(model), catalog.RECIPES))
    require([*sources, *replay])
    from hornbook.corpus.prepare import CorpusConfig
    from hornbook.recipes.continued import continued
    from hornbook.tasks import pretrain
    from hornbook.tasks.continued import go_on, require_objective
    from hornbook.tasks.masking import show_masks, with_word_starts
    from hornbook.tasks.saving import save_model

    opened = load(start)
    recipe, config = continued(getattr(opened, "config", opened))
    require_objective(recipe, objective)
    config = merge(config, overrides or {})
    training = dataclasses.replace(config.training, seed=seed, device=device)
    if not training.steps and not training.seconds:
        training = dataclasses.replace(training, seconds=seconds_of(budget))
    config = dataclasses.replace(config, training=training)
    artifact.require_own(output)
    work = output.parent / f"{output.name}.work"
    clear_work(work, resume=resume)
    settings = corpus or CorpusConfig()
    store = pretrain.prepare_text(sources, work, config=settings, log=log)
    added: dict[str, Any] = {}
    if new_tokens:
        from hornbook.tasks.extend import extended

        larger = work / "extended"
        added = extended(lambda: pretrain.open_checkpoint(recipe, Path(model)), store, larger, count=new_tokens, log=log)
        start, config = larger, dataclasses.replace(config, model=load(larger).config)
    data = pretrain.prepare_data(store, work, tokenizer=start, log=log)
    if replay:
        data = pretrain.with_replay(data, replay, work, share=replay_share, config=settings, log=log)
    if recipe.batches == "masked":
        if config.masking.units != "tokens":
            data = with_word_starts(data, segmenter, log=log)
        show_masks(recipe, config, data, log=log)
    trained, result = go_on(recipe, config, data, start, work=work, resume=resume, log=log, nproc=nproc)
    config = dataclasses.replace(config, model=trained.config)  # with the head it may have got
    result = {"model": str(output), **result, "start": str(model), **added}
    result["size_mb"] = save_model(trained, output, recipe=recipe, config=config, run={**result, "seed": seed})
    return result
