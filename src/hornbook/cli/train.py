"""hornbook train RECIPE CORPUS -o MODEL: one command a recipe, each with the options of its own configuration.

Annotations are evaluated here (no postponed ones): a command's options are classes made for its recipe.
"""

import typing
from collections.abc import Callable
from dataclasses import dataclass
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
    masked = Parameter(parse=recipe.batches == "masked")
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
        training: training_options = training_options(),  # type: ignore[valid-type]
        masking: masking_options = masking_options(),  # type: ignore[valid-type]
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
            _print_ablation(rows, as_json=common.json)
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
            _print_network(result)

    return command


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
    _print_network(result)
    for name in ("new", "old"):
        if f"{name}_gain" in result:
            low, high = result[f"{name}_gain_ci95"]
            print(f"{name} text, {_unit(result)}: {result[f'{name}_before']:.4f} before", end=", ")
            print(f"{result[f'{name}_after']:.4f} after", end="; ")
            print(f"gained {result[f'{name}_gain']:+.4f} [{low:+.4f}, {high:+.4f}]")


def _print_network(result: dict[str, Any]) -> None:
    print(f"{result['kind']}: {_masked(result) if 'masked_accuracy' in result else _likelihood(result)} on held-out text")
    for name, score in result.get("sources", {}).items():
        if len(score) > 1:
            print(f"  {name}: {_masked(score) if 'masked_accuracy' in score else _likelihood(score)}")
    if "init_gain" in result:
        print(_gain(result))
    print(f"{result['parameters']:,} parameters, {result['size_mb']:.1f} MB", end="; ")
    print(f"{result['tokens_seen']:,} tokens in {result['seconds']:.0f} s")
    use = "fill {} 'a text with a [MASK] .'" if "masked_accuracy" in result else "generate {} 'a beginning'"
    print(f"saved in {result['model']}: hornbook {use.format(result['model'])}")


def _print_ablation(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    """A line a variant: what it reached, and its gain over the first with the interval."""
    if as_json:
        print_json({"variants": rows})
        return
    print(f"{'variant':26} {'hidden':>7} {'nats':>7} {'gain in nats':>25} {'cloze':>7} {'gain in cloze':>25} {'tokens':>12}")
    for row in rows:
        nats, cloze = (_with_interval(row[f"{name}_gain"], row[f"{name}_gain_ci95"]) for name in ("nats", "cloze"))
        line = f"{row['name']:26} {row['masked_accuracy']:7.1%} {row['masked_nats_per_token']:7.3f} {nats:>25} "
        print(line + f"{row['cloze_accuracy']:7.1%} {cloze:>25} {row['tokens_seen']:12,}")


def _with_interval(gain: float | None, interval: list[float] | None) -> str:
    return "-" if gain is None or interval is None else f"{gain:+.3f} [{interval[0]:+.3f}, {interval[1]:+.3f}]"


def _masked(result: dict[str, Any]) -> str:
    low, high = result["masked_accuracy_ci95"]
    text = f"{result['masked_accuracy']:.1%} of hidden tokens guessed [{low:.1%}, {high:.1%}], "
    text += f"{result['masked_nats_per_token']:.4f} nats a hidden token"
    if "next_sentence_accuracy" in result:
        text += f"; sentence pairs {result['next_sentence_accuracy']:.1%} right"
    return text


def _likelihood(result: dict[str, Any]) -> str:
    quality = f"{result['nats_per_token']:.4f} nats a token, perplexity {result['perplexity']:.2f}"
    if result["bits_per_byte"] is not None:
        low, high = result["bits_per_byte_ci95"]
        quality = f"{result['bits_per_byte']:.4f} bits per byte [{low:.4f}, {high:.4f}], {quality}"
    return quality


_UNITS = {  # the first of them that a result has is what models are compared by
    "bits_per_byte": "bits per byte",
    "nats_per_token": "nats a token",
    "masked_nats_per_token": "nats a hidden token",
}


def _unit(result: dict[str, Any]) -> str:
    return next(unit for name, unit in _UNITS.items() if result.get(name) is not None)


def _gain(result: dict[str, Any]) -> str:
    """What the word vectors were worth, in one line: a gain, a loss, or nothing that the held-out text can tell."""
    name, unit = next((name, unit) for name, unit in _UNITS.items() if result.get(name) is not None)
    gain, (low, high) = result["init_gain"], result["init_gain_ci95"]
    if low > 0:
        verdict = f"the word vectors gained {gain:.4f} [{low:.4f}, {high:.4f}]"
    elif high < 0:
        verdict = f"the word vectors lost {-gain:.4f} [{-high:.4f}, {-low:.4f}]: train without --init-embeddings"
    else:
        verdict = f"no difference that this held-out text can show: {gain:+.4f} [{low:+.4f}, {high:+.4f}]"
    return f"from a random table, as many steps: {result['random_init_' + name]:.4f} {unit}; {verdict}"


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
            _print_vectors(result)

    return command


def _print_vectors(result: dict[str, Any]) -> None:
    print(f"{result['kind']}: {result['vocabulary']:,} words in {result['dimensions']} dimensions", end=", ")
    print(f"{result['size_mb']:.1f} MB; {result['tokens_seen']:,} words read in {result['seconds']:.1f} s", end=", ")
    print(f"{result['tokens_per_second']:,.0f} a second")
    for word, near in result["neighbours"].items():
        print(f"  {word}: " + ", ".join(f"{other} {similarity:.2f}" for other, similarity in near))
    first = next(iter(result["neighbours"]), "WORD")
    print(f"saved in {result['model']}: hornbook neighbours {result['model']} {first}")


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
