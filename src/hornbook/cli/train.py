"""hornbook train RECIPE CORPUS -o MODEL: one command a recipe, each with the options of its own configuration.

Annotations are evaluated here (no postponed ones): a command's options are classes made for its recipe.
"""

import typing
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from hornbook import catalog
from hornbook.cli.options import (
    Common,
    Machine,
    Output,
    TextFlags,
    corpus_config,
    flat,
    given,
    optional,
    print_json,
    sources_of,
    tokenizer_of,
)
from hornbook.cli.train_results import print_ablation, print_network, print_vectors, unit
from hornbook.core.errors import translate
from hornbook.core.events import Note
from hornbook.corpus.masking import Masking
from hornbook.training import TrainingConfig

Corpus = Annotated[tuple[str, ...], Parameter(help="Text files, folders, a corpus folder, or - for standard input.")]


@dataclass(frozen=True)
class NoTraining:
    """Models that count have no training options."""


@Parameter(name="*")
@dataclass(frozen=True)
class InitFlags:
    """Word vectors as the beginning of a network's embedding table."""

    init_embeddings: str = ""
    "Word vectors (a model folder, or a word2vec, GloVe or fastText file) that the embedding table starts from."
    compare_init: bool = False
    "Train again from a random table, for as many steps, and print the difference in bits per byte: takes twice the time."


@Parameter(name="*")
@dataclass(frozen=True)
class WordFlags:
    """What a word is."""

    segment: Literal["auto", "spaces", "letters", "characters", "rjieba"] | None = None
    "How text is cut into words. auto: letters and digits, Chinese by rjieba. spaces: the text is cut already."
    lowercase: Annotated[bool | None, Parameter(negative="--keep-case")] = None
    "Fold capitals, or keep them. [default: fold]"


@Parameter(name="*", show=False)
@dataclass(frozen=True)
class OldFlags:
    """gensim's names of what has another name here: understood, with a note."""

    size: int | None = None
    vector_size: int | None = None
    iter: int | None = None
    alpha: float | None = None
    min_alpha: float | None = None
    sg: int | None = None
    hs: int | None = None
    workers: int | None = None


app = App(name="train", help="Train one model on a text. hornbook train RECIPE --help lists a recipe's own options.")
app.command("hornbook.cli.train_sequences:segmenter", name="segmenter", help="Train a word segmenter on segmented text.")
app.command("hornbook.cli.train_sequences:tagger", name="tagger", help="Train a tagger on labelled sentences.")
app.command("hornbook.cli.train_texts:linear", name="linear", help="Train a linear classifier on labelled texts.")
app.command("hornbook.cli.train_texts:bayes", name="bayes", help="Train a classifier of a language model a label.")


def _language_model(name: str, recipe: Any) -> Callable[..., None]:
    """The command of a recipe that reads tokens: its `--model.*` and `--training.*` options mirror its configuration."""
    configuration = next(iter(recipe.styles.values()))
    hints = typing.get_type_hints(type(configuration))
    model_options = optional(hints["model"], prefix="Model")
    training_options = optional(hints.get("training", NoTraining), prefix="Training")
    masking_options = optional(hints.get("masking", NoTraining), prefix="Masking")
    masked, trained = Parameter(parse=recipe.batches == "masked"), Parameter(parse="training" in hints)
    has_table = Parameter(parse=recipe.batches is not None)  # models that count have no embedding table to start
    processes = Parameter(parse=recipe.batches is not None, help="Processes that train together, each on its part of a batch.")
    styles = ", ".join(recipe.styles)

    def command(
        corpus: Corpus,
        *,
        output: Output,
        budget: Annotated[str, Parameter(help="Training time: 90s, 10m, 2h. It decides the sizes left open.")] = "10m",
        style: Annotated[str, Parameter(help=f"Style of the recipe: {styles}.")] = "",
        tokenizer: Annotated[
            str, Parameter(help="bpe, wordpiece, unigram, chars, words, bytes, or the folder of one.")
        ] = recipe.tokenizer,
        vocabulary: Annotated[int, Parameter(help="Size of a new tokenizer; 0 follows the corpus.")] = 0,
        closed_vocabulary: Annotated[
            bool, Parameter(help="With --tokenizer words: a literal unk type is an ordinary word.", negative="")
        ] = False,
        mix: Annotated[
            str, has_table, Parameter(help="Shares of several texts: size to this power (0.3), or NAME=WEIGHT,NAME=WEIGHT.")
        ] = "",
        resume: Annotated[bool, Parameter(help="Go on with an interrupted training.")] = False,
        tensorboard: Annotated[bool, Parameter(help="Write curves for TensorBoard into OUTPUT.work/tensorboard.")] = False,
        nproc: Annotated[int, processes] = 1,
        model: model_options = model_options(),  # type: ignore[valid-type]
        training: Annotated[training_options, trained] = training_options(),  # type: ignore[valid-type]
        masking: Annotated[masking_options, masked] = masking_options(),  # type: ignore[valid-type]
        pairs: Annotated[str, masked, Parameter(help="none, next (sentence) or order (of sentences).")] = "",
        ablate: Annotated[
            bool,
            Parameter(parse=bool(recipe.ablation), help="Train each switch of it alone, BUDGET each, and compare."),
        ] = False,
        segmenter: Annotated[
            str, masked, Parameter(help="Cuts text without spaces for whole words: rjieba, characters, or a model.")
        ] = "auto",
        init: Annotated[InitFlags, has_table] = InitFlags(),
        text: TextFlags = TextFlags(),
        machine: Machine = Machine(),
        common: Common = Common(),
    ) -> None:
        from hornbook import api
        from hornbook.cli.show import Reporter
        from hornbook.core.config import parse_duration

        overrides = given(model=model, training=training, masking=masking)
        if pairs:
            overrides = {**_pair_settings(recipe, style, pairs), **overrides}
        reporter = Reporter(quiet=common.quiet)
        _tell_recipe_from_folder(name, reporter)
        reporter.total_seconds = 0.0 if overrides.get("training.steps") else parse_duration(budget)
        if ablate:
            with reporter.shown():
                rows = api.ablate(
                    name,
                    sources_of(corpus),
                    output,
                    budget=budget,
                    corpus=corpus_config(text, seed=machine.seed),
                    overrides=overrides,
                    resume=resume,
                    seed=machine.seed,
                    device=machine.device,
                    log=reporter,
                )
            print_ablation(rows, as_json=common.json)
            return
        with reporter.shown():
            result = api.train(
                name,
                sources_of(corpus),
                output,
                style=style,
                budget=budget,
                tokenizer=tokenizer_of(tokenizer, vocabulary, closed=closed_vocabulary),
                mix=mix,
                corpus=corpus_config(text, seed=machine.seed),
                overrides=overrides,
                init_embeddings=init.init_embeddings or None,
                compare_init=init.compare_init,
                resume=resume,
                tensorboard=tensorboard,
                seed=machine.seed,
                device=machine.device,
                nproc=nproc,
                segmenter=segmenter,
                log=reporter,
            )
        if common.json:
            print_json(result)
        else:
            print_network(result)

    return command


def _tell_recipe_from_folder(name: str, log: Callable[[Any], None]) -> None:
    """Say what a recipe's name means where a folder has the same name."""
    if Path(name).is_dir():
        text = translate("'{name}' is the recipe here, not the folder of that name: write ./{name} to train that one on")
        log(Note(text.format(name=name)))


def _pair_settings(recipe: Any, style: str, pairs: str) -> dict[str, Any]:
    """`--pairs` with what a network needs for it, where its style knows pairs."""
    layout = recipe.styles.get(style or next(iter(recipe.styles)))
    if not hasattr(getattr(layout, "model", None), "next_sentence"):
        return {"pairs": pairs}
    return {"pairs": pairs, "model.next-sentence": pairs != "none"}


_GentleTraining = optional(TrainingConfig, prefix="Training")
_OtherMasking = optional(Masking, prefix="Masking")


@app.default
def train_on(
    model: Annotated[str, Parameter(help="Folder of a saved network: our own, or in Hugging Face layout.")],
    corpus: Corpus,
    *,
    output: Output,
    objective: Annotated[str, Parameter(help="mlm or causal; it must fit the network, and may be left out.")] = "",
    replay: Annotated[tuple[str, ...], Parameter(help="The text it knew before: part of every batch, and watched.")] = (),
    replay_share: Annotated[float, Parameter(help="Share of every batch that is replayed.")] = 0.1,
    new_tokens: Annotated[int, Parameter(help="Add up to this many frequent strings of the text to the tokenizer.")] = 0,
    budget: Annotated[str, Parameter(help="Training time: 90s, 10m, 2h.")] = "10m",
    resume: Annotated[bool, Parameter(help="Go on with an interrupted training.")] = False,
    nproc: Annotated[int, Parameter(help="Processes that train together, each on its part of a batch.")] = 1,
    training: _GentleTraining = _GentleTraining(),  # type: ignore[valid-type]
    masking: _OtherMasking = _OtherMasking(),  # type: ignore[valid-type]
    segmenter: Annotated[
        str, Parameter(help="Cuts text without spaces for whole words: rjieba, characters, or a model.")
    ] = "auto",
    text: TextFlags = TextFlags(),
    machine: Machine = Machine(),
    common: Common = Common(),
) -> None:
    """Train a recipe on a text (hornbook train RECIPE --help), or a saved network on new text."""
    from hornbook import api
    from hornbook.cli.show import Reporter
    from hornbook.core.config import parse_duration

    overrides = given(training=training, masking=masking)
    reporter = Reporter(quiet=common.quiet)
    reporter.total_seconds = 0.0 if overrides.get("training.steps") else parse_duration(budget)
    with reporter.shown():
        result = api.train_on(
            model,
            sources_of(corpus),
            output,
            objective=objective,
            replay=replay,
            replay_share=replay_share,
            new_tokens=new_tokens,
            budget=budget,
            corpus=corpus_config(text, seed=machine.seed),
            overrides=overrides,
            resume=resume,
            seed=machine.seed,
            device=machine.device,
            nproc=nproc,
            segmenter=segmenter,
            log=reporter,
        )
    if common.json:
        print_json(result)
        return
    print_network(result)
    for name in ("new", "old"):
        if f"{name}_gain" in result:
            low, high = result[f"{name}_gain_ci95"]
            print(f"{name} text, {unit(result)}: {result[f'{name}_before']:.4f} before", end=", ")
            print(f"{result[f'{name}_after']:.4f} after", end="; ")
            print(f"gained {result[f'{name}_gain']:+.4f} [{low:+.4f}, {high:+.4f}]")


def _vectors(name: str, recipe: Any) -> Callable[..., None]:
    """The command of a recipe that reads words: its configuration as plain flags (`--dimensions`, `--window`)."""
    hints = typing.get_type_hints(type(next(iter(recipe.styles.values()))))
    model_options = flat(optional(hints["model"], prefix="Vector", without=("seed", "threads")))

    def command(
        corpus: Corpus,
        *,
        output: Output,
        budget: Annotated[str, Parameter(help="Stop at the end of the epoch that reaches this time: 90s, 10m, 2h.")] = "",
        init: Annotated[str, Parameter(help="Word vectors to go on from: a model folder, or a file of vectors.")] = "",
        resume: Annotated[bool, Parameter(help="Go on with an interrupted training.")] = False,
        vectors: model_options = model_options(),  # type: ignore[valid-type]
        words: WordFlags = WordFlags(),
        phrases: Annotated[int, Parameter(help="Join words that belong together (new york), so many times over.")] = 0,
        old: OldFlags = OldFlags(),
        text: TextFlags = TextFlags(),
        machine: Machine = Machine(),
        common: Common = Common(),
    ) -> None:
        from hornbook import api
        from hornbook.cli.show import Reporter
        from hornbook.embeddings.word2vec import from_gensim

        reporter = Reporter(quiet=common.quiet)
        _tell_recipe_from_folder(name, reporter)
        overrides = {"model.threads": machine.threads, "phrases": phrases, **given(model=vectors, words=words)}
        renamed, notes = from_gensim({name: value for name, value in vars(old).items() if value is not None})
        overrides |= {f"model.{name}": value for name, value in renamed.items()}
        for note in notes:
            reporter(note)
        with reporter.shown():
            result = api.train(
                name,
                sources_of(corpus),
                output,
                budget=budget,
                corpus=corpus_config(text, seed=machine.seed),
                overrides=overrides,
                init_embeddings=init or None,
                resume=resume,
                seed=machine.seed,
                log=reporter,
            )
        if common.json:
            print_json(result)
        else:
            print_vectors(result)

    return command


_KINDS = {"tokens": _language_model, "words": _vectors}

for _name in catalog.RECIPES:
    app.command(f"hornbook.cli.train:{_name}", name=_name, help=f"Train the {_name} recipe.")


def __getattr__(name: str) -> Callable[..., None]:
    """Build a recipe's command when it is called."""
    if name not in catalog.RECIPES:
        raise AttributeError(name)
    recipe = catalog.recipe(name)
    command = _KINDS[recipe.reads](name, recipe)
    command.__name__ = name
    return command
