"""hornbook train RECIPE CORPUS -o MODEL: one command a recipe, each with the options of its own configuration.

Annotations are evaluated here (no postponed ones): a command's options are classes made for its recipe.
"""

import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from cyclopts import App, Parameter

from hornbook import catalog
from hornbook.cli.options import (
    Common,
    Machine,
    Output,
    TextFlags,
    corpus_config,
    given,
    optional,
    print_json,
    sources_of,
    tokenizer_of,
)


@dataclass(frozen=True)
class NoTraining:
    """Models that count have no training options."""


app = App(name="train", help="Train one model on a text. hornbook train RECIPE --help lists a recipe's own options.")


def _command(name: str) -> Callable[..., None]:
    """The command of one recipe: its `--model.*` and `--training.*` options mirror the recipe's configuration classes."""
    recipe = catalog.recipe(name)
    configuration = next(iter(recipe.styles.values()))
    hints = typing.get_type_hints(type(configuration))
    model_options = optional(hints["model"], prefix="Model")
    training_options = optional(hints.get("training", NoTraining), prefix="Training")
    styles = ", ".join(recipe.styles)

    def command(
        corpus: Annotated[tuple[str, ...], Parameter(help="Text files, folders, a corpus folder, or - for standard input.")],
        *,
        output: Output,
        budget: Annotated[str, Parameter(help="Training time: 90s, 10m, 2h. It decides the sizes left open.")] = "10m",
        style: Annotated[str, Parameter(help=f"Style of the recipe: {styles}.")] = "",
        tokenizer: Annotated[
            str, Parameter(help="bpe, wordpiece, unigram, chars, words, bytes, or the folder of one.")
        ] = "bpe",
        vocabulary: Annotated[int, Parameter(help="Size of a new tokenizer; 0 follows the corpus.")] = 0,
        closed_vocabulary: Annotated[
            bool, Parameter(help="With --tokenizer words: a literal unk type is an ordinary word.", negative="")
        ] = False,
        resume: Annotated[bool, Parameter(help="Go on with an interrupted training.")] = False,
        tensorboard: Annotated[bool, Parameter(help="Write curves for TensorBoard into OUTPUT.work/tensorboard.")] = False,
        model: model_options = model_options(),  # type: ignore[valid-type]
        training: training_options = training_options(),  # type: ignore[valid-type]
        text: TextFlags = TextFlags(),
        machine: Machine = Machine(),
        common: Common = Common(),
    ) -> None:
        from hornbook import api
        from hornbook.cli.show import Reporter
        from hornbook.core.config import parse_duration

        overrides = given(model=model, training=training)
        reporter = Reporter(quiet=common.quiet)
        reporter.total_seconds = 0.0 if overrides.get("training.steps") else parse_duration(budget)
        with reporter.shown():
            result = api.train(
                name,
                sources_of(corpus),
                output,
                style=style,
                budget=budget,
                tokenizer=tokenizer_of(tokenizer, vocabulary, closed=closed_vocabulary),
                corpus=corpus_config(text, seed=machine.seed),
                overrides=overrides,
                resume=resume,
                tensorboard=tensorboard,
                seed=machine.seed,
                device=machine.device,
                log=reporter,
            )
        if common.json:
            print_json(result)
        else:
            _print(result)

    command.__name__ = name
    return command


def _print(result: dict[str, Any]) -> None:
    quality = f"{result['nats_per_token']:.4f} nats a token, perplexity {result['perplexity']:.2f}"
    if result["bits_per_byte"] is not None:
        low, high = result["bits_per_byte_ci95"]
        quality = f"{result['bits_per_byte']:.4f} bits per byte [{low:.4f}, {high:.4f}], {quality}"
    print(f"{result['kind']}: {quality} on held-out text")
    print(f"{result['parameters']:,} parameters, {result['size_mb']:.1f} MB", end="; ")
    print(f"{result['tokens_seen']:,} tokens in {result['seconds']:.0f} s")
    print(f"saved in {result['model']}: hornbook generate {result['model']} 'a beginning'")


for _name in catalog.RECIPES:
    app.command(f"hornbook.cli.train:{_name}", name=_name, help=f"Train the {_name} recipe.")


def __getattr__(name: str) -> Callable[..., None]:
    """Build a recipe's command when it is called."""
    if name in catalog.RECIPES:
        return _command(name)
    raise AttributeError(name)
