"""BERT, RoBERTa and GPT on one text: minimal pairs, cloze and held-out text against training time. Resumable.

usage: python benchmarks/networks_blimp.py TEXT MODEL... [--minutes 60] [--points 4] [--layers 6] [--width 256]
           [--pairs FOLDER] [--per-paradigm 50] [--vocabulary 8192] [--style modern] [--work FOLDER] [--results FILE]
MODEL: bert roberta gpt lstm. The budget becomes steps by timing the first ones: a killed run goes on where its last
checkpoint is and ends as the unbroken one; time for the tests is not counted. Appends a JSON line a point to FILE. The shape
is the same for all; --style where a recipe has it, else its first. PAIRS: minimal pairs as `hornbook evaluate` reads them.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from hornbook.core.events import Event, Saved, Step
from hornbook.core.runtime import prepare

TIMED = 12  # steps, the first two not counted
PLAN = "plan.json"


def timed_steps(model: Any, lesson: Any, training: Any, seconds: float) -> int:
    """How many steps the seconds buy on this machine now."""
    from hornbook.training import train

    begin = 0.0
    probe = replace(training, steps=TIMED, seconds=0.0, evaluations=0)
    for event in train(model.module, lesson.objective, lesson.batches, probe):
        if isinstance(event, Step):
            if event.step == 2:
                begin = time.perf_counter()
            elif event.step == TIMED:
                return max(TIMED, int(seconds / (time.perf_counter() - begin) * (TIMED - 2)))
    raise AssertionError("the loop ended early")


def tests(recipe: Any, config: Any, model: Any, data: Any, items: list[Any], options: argparse.Namespace) -> dict[str, Any]:
    """Minimal pairs, cloze and held-out text of a network in training."""
    from hornbook.scoring.cloze import cloze_accuracy, cloze_with
    from hornbook.scoring.cloze_masked import masked_scorer
    from hornbook.scoring.sample import shorten
    from hornbook.tasks import lessons
    from hornbook.tasks.minimal_pairs import evaluate_pairs
    from hornbook.tasks.pretrain import held_out

    silent = lambda event: None
    sample = shorten(held_out(data.shards), data.tokenizer, tokens=100_000)
    result = dict(lessons.score(recipe, config, model, sample).facts())
    masked = recipe.batches == "masked"
    cloze = cloze_with(masked_scorer(model), items) if masked else cloze_accuracy(model, items)
    result |= {"cloze_accuracy": cloze.accuracy, "cloze_ci95": cloze.ci95}
    if options.pairs:
        pairs = evaluate_pairs(model, [options.pairs], by="auto", per_paradigm=options.per_paradigm, seed=1, log=silent)
        result |= {key: value for key, value in pairs.items() if not isinstance(value, (dict, list)) or key.endswith("ci95")}
    return result


def run(name: str, options: argparse.Namespace, data: Any, items: list[Any]) -> None:
    """Train one model, or go on, and append a line at every point."""
    import torch

    from hornbook import catalog
    from hornbook.core.config import merge
    from hornbook.tasks import lessons
    from hornbook.tasks.pretrain import resolve
    from hornbook.training import resume, train

    recipe, work = catalog.recipe(name), Path(options.work) / name
    work.mkdir(parents=True, exist_ok=True)
    style = options.style if options.style in recipe.styles else next(iter(recipe.styles))
    config = merge(recipe.styles[style], {"model.layers": options.layers, "model.width": options.width})
    torch.manual_seed(config.training.seed)
    model = resolve(recipe.model)(data.tokenizer, config.model)
    lesson = lessons.lesson(recipe, config, data)
    if not (work / PLAN).is_file():
        (work / PLAN).write_text(json.dumps({"steps": timed_steps(model, lesson, config.training, 60 * options.minutes)}))
        torch.manual_seed(config.training.seed)
        model = resolve(recipe.model)(data.tokenizer, config.model)
    steps = json.loads((work / PLAN).read_text())["steps"]
    points = {steps * (point + 1) // options.points for point in range(options.points)}
    training = replace(config.training, steps=steps, seconds=0.0, evaluations=0, save_seconds=300.0)
    state = resume(work / "checkpoints")
    spent = json.loads((work / "spent.json").read_text()) if (work / "spent.json").is_file() else 0.0
    began = time.perf_counter()
    for event in train(model.module, lesson.objective, lesson.batches, training, state=state, folder=work / "checkpoints"):
        if isinstance(event, Step) and event.step in points:
            spent += time.perf_counter() - began
            facts = tests(recipe, config, model, data, items, options)
            append(options.results, name, style, event, steps, spent, model.parameters, facts)
            began = time.perf_counter()
        elif isinstance(event, Saved):
            (work / "spent.json").write_text(json.dumps(spent + time.perf_counter() - began))


def append(
    file: str, name: str, style: str, event: Event, steps: int, spent: float, parameters: int, facts: dict[str, Any]
) -> None:
    """One line of the results."""
    assert isinstance(event, Step)
    row = {"model": name, "style": style, "step": event.step, "steps": steps, "minutes": round(spent / 60, 2)}
    row |= {"tokens": event.tokens, "parameters": parameters, "loss": round(event.loss, 4), **facts}
    with open(file, "a", encoding="utf-8") as results:
        results.write(json.dumps(row, default=float) + "\n")
    print(json.dumps(row, default=float), flush=True)


def main() -> None:
    """All models in turn, on one tokenizer and one set of questions."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text")
    parser.add_argument("models", nargs="+")
    parser.add_argument("--minutes", type=float, default=60)
    for flag, value in (("points", 4), ("layers", 6), ("width", 256), ("per-paradigm", 50), ("vocabulary", 8192)):
        parser.add_argument(f"--{flag}", type=int, default=value)
    for flag, text in (("pairs", ""), ("style", "modern"), ("work", "networks-work"), ("results", "networks.jsonl")):
        parser.add_argument(f"--{flag}", default=text)
    options = parser.parse_args()
    prepare()
    from hornbook.corpus.prepare import CorpusConfig
    from hornbook.scoring.cloze import TokenWords, build_cloze
    from hornbook.tasks.pretrain import prepare_data, prepare_text
    from hornbook.tokenizers import TokenizerConfig

    silent = lambda event: None
    work = Path(options.work)
    work.mkdir(parents=True, exist_ok=True)
    store = prepare_text([options.text], work, config=CorpusConfig(), log=silent)
    data = prepare_data(store, work, tokenizer=TokenizerConfig(kind="bpe", size=options.vocabulary), log=silent)
    held = store.split("valid") if len(store.split("valid")) else store.split("test")
    items = build_cloze(store.split("train"), held, count=400, seed=1, segment=TokenWords(data.tokenizer))
    for name in options.models:
        run(name, options, data, items)


if __name__ == "__main__":
    main()
