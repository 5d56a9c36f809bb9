"""Folders of classifiers. Where transformers knows the network, its ForSequenceClassification: same names, equal logits. All
others: the encoder in encoder/, and here what stands on it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from hornbook.core.config import from_dict, to_dict
from hornbook.core.errors import ContentError, UsageError
from hornbook.models import weights
from hornbook.models.classifier_heads import LAYOUTS, HeadLayout
from hornbook.models.huggingface import folder as foreign
from hornbook.models.masked import KINDS
from hornbook.models.neural import check_model_type
from hornbook.models.task_folders import damaged, labels_of, open_under_head, without_head
from hornbook.tokenizers.framed import save_framed

if TYPE_CHECKING:
    from hornbook.models.classifier import NeuralClassifier
    from hornbook.models.head_configs import ClassifierConfig

MODEL_TYPE = "hornbook-classifier"
SETTINGS = "classifier.json"
_PROBLEMS = {"single": "single_label_classification", "multi": "multi_label_classification"}


def save_classifier(classifier: NeuralClassifier, folder: Path) -> None:
    """Write a classifier into an existing folder."""
    settings = {"config": to_dict(classifier.config), "labels": list(classifier.labels_)}
    layout = classifier.layout
    if layout is None:
        _write(folder / weights.CONFIG, {"model_type": MODEL_TYPE, **settings})
        weights.write_weights(weights.own_tensors(classifier.module.head), folder)
        (folder / "encoder").mkdir()
        classifier.encoder.save_files(folder / "encoder")
        return
    model = classifier.model
    kind = KINDS[getattr(model.config, "layout", "modernbert")]
    assert kind.layout is not None
    facts = {
        "architectures": [layout.architecture],
        "id2label": {str(number): label for number, label in enumerate(classifier.labels_)},
        "label2id": {label: number for number, label in enumerate(classifier.labels_)},
        "problem_type": _PROBLEMS.get(classifier.config.kind, _PROBLEMS["single"]),
        ("seq_classif_dropout" if kind.model_type == "distilbert" else "classifier_dropout"): classifier.config.dropout,
        **layout.facts,
    }
    tokenizer: Any = classifier.encoder.tokenizer  # a TextTokenizer, as every network's
    config = replace(model.config, vocabulary=model.module.output_weight.shape[0])
    head = _their_names(classifier, layout)
    foreign.write(folder, kind.layout, config, model.module, tokenizer.specials, head=head, facts=facts)
    save_framed(tokenizer, folder, segments=getattr(config, "types", 0) > 1)
    _write(folder / SETTINGS, settings)


def load_classifier(cls: Any, folder: Path) -> Any:
    """Read what save_classifier wrote, or a ForSequenceClassification of transformers, strictly."""
    path = folder / weights.CONFIG
    table = weights.read_json(path)
    if table.get("model_type") == MODEL_TYPE:
        return _load_own(cls, folder, table)
    check_model_type(path, table, tuple(LAYOUTS))
    kind, layout = KINDS[table["model_type"]], LAYOUTS[table["model_type"]]
    wrong = {key: table.get(key) for key, value in layout.facts.items() if table.get(key) != value}
    if wrong:
        raise foreign.unsupported(path, *next(iter(wrong.items())))
    found = weights.read_weights(folder)
    starts = tuple(f"{name}." for name in layout.names.values())
    head = {name: tensor for name, tensor in found.items() if name.startswith(starts)}
    if not head:
        raise ContentError(
            "{path}: {kind} has no head for labels of texts", path=folder / weights.WEIGHTS, kind=kind.model_type
        )
    model = open_under_head(folder, kind, table, {name: tensor for name, tensor in found.items() if name not in head})
    labels = labels_of(path, table)
    classifier = cls(model, labels, _settings(folder, table, labels))
    weights.fill(_their_names(classifier, layout), head, where=folder / weights.WEIGHTS)
    classifier.module.eval()
    return classifier


def _load_own(cls: Any, folder: Path, table: Mapping[str, Any]) -> Any:
    from hornbook.catalog import model_class

    config, labels = _read(folder / weights.CONFIG, table)
    inner = folder / "encoder"
    kind = str(weights.read_json(inner / weights.CONFIG).get("model_type"))
    classifier = cls(without_head(model_class(kind, where=inner).load(inner)), labels, config)
    found = weights.read_weights(folder)
    weights.fill(weights.own_tensors(classifier.module.head), found, where=folder / weights.WEIGHTS)
    classifier.module.eval()
    return classifier


def _their_names(classifier: NeuralClassifier, layout: HeadLayout) -> dict[str, Tensor]:
    """The head's tensors under the names that transformers gives them."""
    named = {}
    for name, tensor in weights.own_tensors(classifier.module.head).items():
        part, _, kind = name.rpartition(".")
        named[f"{layout.names[part]}.{kind}"] = tensor.detach()
    return named


def _settings(folder: Path, table: Mapping[str, Any], labels: Sequence[str]) -> ClassifierConfig:
    """What config.json does not say: from our file beside it, else by the problem type."""
    from hornbook.models.head_configs import ClassifierConfig

    path = folder / SETTINGS
    if path.is_file():
        config, known = _read(path, weights.read_json(path))
        if known != list(labels):
            raise damaged(path, "its labels are not those of config.json")
        return config
    dropout = table.get("classifier_dropout", table.get("seq_classif_dropout"))
    kind = "multi" if table.get("problem_type") == _PROBLEMS["multi"] else "single"
    return ClassifierConfig(kind=kind, dropout=0.1 if dropout is None else float(dropout))  # type: ignore[arg-type]


def _write(path: Path, table: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(table, indent=1, ensure_ascii=True) + "\n", "utf-8")


def _read(path: Path, table: Mapping[str, Any]) -> tuple[ClassifierConfig, list[str]]:
    from hornbook.models.head_configs import ClassifierConfig

    labels, fields = table.get("labels"), table.get("config")
    named: list[Any] = labels if isinstance(labels, list) else []
    if not isinstance(fields, dict) or len(set(map(str, named))) < 2 or not all(isinstance(one, str) and one for one in named):
        raise damaged(path, "labels or config are missing")
    try:
        return from_dict(ClassifierConfig, fields, where=str(path), prefix="config."), named
    except UsageError as error:
        raise ContentError(error.template, **error.fields) from None
