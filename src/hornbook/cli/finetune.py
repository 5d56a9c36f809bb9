"""hornbook finetune MODEL DATA: a model of any generation, trained on for a task.

Annotations are evaluated here (no postponed ones): options are classes made from configurations.
"""

from typing import Annotated, Any, Literal

from cyclopts import Parameter

from hornbook.cli.evaluate import confusions, quality
from hornbook.cli.options import Common, Machine, Output, given, optional, print_json
from hornbook.models.head_configs import ClassifierConfig, TaggerConfig
from hornbook.training.config import TrainingConfig

TrainingOptions = optional(TrainingConfig, prefix="Training", without=("seed", "device", "threads", "seconds", "enough"))
ClassifyOptions = optional(ClassifierConfig, prefix="Classifier", without=("kind", "costs"))
TagOptions = optional(TaggerConfig, prefix="Tagger", without=("scheme",))


def finetune(
    model: Annotated[
        str,
        Parameter(
            help="A model folder (word vectors or a network; Hugging Face's too), or a recipe to learn from the examples alone."
        ),
    ],
    data: Annotated[
        str,
        Parameter(
            help="Labelled texts (classify) or labelled tokens and spans (tag): a file, or a folder with train, dev, test."
        ),
    ],
    *,
    output: Output,
    task: Annotated[Literal["classify", "tag"], Parameter(help="A label for each text, or for each token.")] = "classify",
    dev: Annotated[str, Parameter(help="What chooses the best epoch. [default: a folder's dev file, or --split]")] = "",
    split: Annotated[float, Parameter(help="Without --dev: the share of the examples held out for it.")] = 0.1,
    target: Annotated[float, Parameter(help="Stop as soon as this is reached on dev: accuracy, or F1 of spans.")] = 0.0,
    budget: Annotated[str, Parameter(help="Time for all seeds together: 90s, 10m. [default: by epochs]")] = "",
    seeds: Annotated[int, Parameter(help="Train so many times; the best on dev is saved, the mean reported.")] = 1,
    kind: Annotated[
        Literal["single", "multi", "graded"],
        Parameter(help="classify: one label a text, several, or numbers in order."),
    ] = "single",
    keep: Annotated[str, Parameter(help="classify, two labels: ham=0.99 keeps 99 % of ham as ham, by a threshold.")] = "",
    cost: Annotated[tuple[str, ...], Parameter(help="classify: what a mistake costs, RIGHT:GIVEN=COST, as ham:spam=10.")] = (),
    text_column: Annotated[str, Parameter(help="classify: the column of the texts, a name or a number from 1.")] = "",
    label_column: Annotated[str, Parameter(help="classify: the column of the labels.")] = "",
    pair_column: Annotated[str, Parameter(help="classify: the column of a second text.")] = "",
    separator: Annotated[str, Parameter(help="classify --kind multi: what parts the labels of a text.")] = "",
    column: Annotated[str, Parameter(help="tag: the column of the labels, a number (CoNLL) or a name.")] = "",
    encoding: Annotated[str, Parameter(help="Encoding of labelled texts. [default: detected]")] = "",
    lora_rank: Annotated[int, Parameter(help="Train adapters of this rank in place of whole matrices; 0 trains all.")] = 0,
    resume: Annotated[bool, Parameter(help="Go on with an interrupted run of the same command.")] = False,
    training: TrainingOptions = TrainingOptions(),  # type: ignore[valid-type]
    classify: ClassifyOptions = ClassifyOptions(),  # type: ignore[valid-type]
    tag: TagOptions = TagOptions(),  # type: ignore[valid-type]
    machine: Machine = Machine(),
    common: Common = Common(),
) -> None:
    """Fine-tune a model of any generation for a task until it is good; simple baselines are trained and printed beside it."""
    from hornbook import api
    from hornbook.cli.show import Reporter
    from hornbook.core.errors import UsageError
    from hornbook.corpus.document import ReadConfig
    from hornbook.corpus.label_columns import TextColumns

    options: dict[str, Any] = {}
    if text_column or label_column or pair_column or separator:
        options["columns"] = TextColumns(text=text_column, label=label_column, pair=pair_column, separator=separator)
    options |= {"kind": kind} if kind != "single" else {}
    options |= {name: value for name, value in (("keep", keep), ("costs", cost), ("column", column)) if value}
    options |= {"read": ReadConfig(encoding=encoding)} if encoding else {}
    chosen, other = (classify, tag) if task == "classify" else (tag, classify)
    if given(model=other):
        raise UsageError("--{other}.* options are for --task {other}", other="tag" if task == "classify" else "classify")
    reporter = Reporter(quiet=common.quiet)
    with reporter.shown():
        result = api.finetune(
            model,
            data,
            output,
            task=task,
            dev=dev or None,
            split=split,
            target=target,
            budget=budget,
            seeds=seeds,
            seed=machine.seed,
            device=machine.device,
            lora_rank=lora_rank,
            overrides=given(training=training, model=chosen),
            resume=resume,
            log=reporter,
            **options,
        )
    if common.json:
        print_json(result)
    else:
        print("\n".join(_lines(result)))


def _lines(result: dict[str, Any]) -> list[str]:
    """What it cost, how good it is on dev and test, what simple means reach, and what to do next."""
    cost = f"{result['epochs']:g} epochs in {result['training_seconds']:.0f} s ({result['reason']})"
    lines = [f"{result['encoder']}: {result['labels']:,} labels, {cost}, {result['parameters']:,} weights"]
    if result["kind"] == "tag":
        floor = result["floor_accuracy"]
        simple = "" if floor is None else f"; each word's commonest label: accuracy {floor:.4f}"
        lines.append(f"dev: {quality(result)}{simple}")
        tested = {key.removeprefix("test_"): value for key, value in result.items() if key.startswith("test_")}
        lines += [f"test: {quality(tested)}"] if tested else []
    else:
        metric = "micro_f1" if "micro_f1" in result else "accuracy"
        beside = [f"{name} {result[f'{key}_{metric}']:.4f}" for key, name in _FLOORS if result[f"{key}_{metric}"] is not None]
        lines += [f"dev: {_scores(result, '')}", f"     {metric.replace('_', ' ')} of {', '.join(beside)}"]
        lines += [f"test: {_scores(result, 'test_')}"] if "test_n" in result else []
        lines += [f"      {_scores(result, 'test_unseen_')} unseen in training"] if result.get("test_unseen_n") else []
        lines += confusions(result["confusion"]["labels"], result["confusion"]["counts"]) if "confusion" in result else []
    lines += [
        f"{len(result[key])} seeds: mean {key.removesuffix('_of_seeds').replace('_', ' ')} "
        f"{result[key.replace('_of_seeds', '_mean')]:.4f}, the best is saved"
        for key in result
        if key.endswith("_of_seeds")
    ]
    return [*lines, f"saved in {result['model']} ({result['size_mb']:.1f} MB): hornbook predict {result['model']} 'A TEXT'"]


_TITLES = (("accuracy", "accuracy"), ("micro_f1", "micro-F1"), ("macro_f1", "macro-F1"), ("mean_absolute_error", "grades off"))
_FLOORS = (("linear", "a linear classifier"), ("majority", "the commonest label"))


def _scores(result: dict[str, Any], part: str) -> str:
    scores = []
    for name, title in _TITLES:
        if (value := result.get(part + name)) is not None:
            interval = result[f"{part}{name}_ci95"]
            scores.append(f"{title} {value:.4f}" + (f" [{interval[0]:.4f}, {interval[1]:.4f}]" if interval else ""))
    return f"{', '.join(scores)} on {result[part + 'n']:,} texts"
