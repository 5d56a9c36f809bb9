"""Folders of taggers. Where transformers knows the network, its ForTokenClassification: same names, equal logits; the chain of
labels, which it does not know, lies beside it in crf/. All others: the encoder in encoder/, and here what stands on it.
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
from hornbook.models.head_configs import TaggerConfig
from hornbook.models.huggingface import folder as foreign
from hornbook.models.masked import KINDS, MaskedLM
from hornbook.models.neural import check_model_type
from hornbook.models.task_folders import damaged, labels_of, open_under_head, without_head
from hornbook.sequences.labels import guess_scheme
from hornbook.tokenizers.framed import save_framed

if TYPE_CHECKING:
    from hornbook.models.tagger import NeuralTagger

MODEL_TYPE = "hornbook-tagger"
SETTINGS = "tagger.json"
ARCHITECTURES = {
    "bert": "BertForTokenClassification",
    "roberta": "RobertaForTokenClassification",
    "xlm-roberta": "XLMRobertaForTokenClassification",
    "distilbert": "DistilBertForTokenClassification",
}
"""Layouts under whose encoder transformers has the same head: a linear layer over the states of all tokens."""
_CHAIN = "crf"
_HEAD = "classifier."


def save_tagger(tagger: NeuralTagger, folder: Path) -> None:
    """Write a tagger into an existing folder."""
    layout = _layout(tagger.model)
    own = _own_tensors(tagger)
    settings = {"config": to_dict(tagger.config), "labels": list(tagger.labels_), "alphabet": tagger.alphabet.characters}
    if layout is None or tagger.config.characters or tagger.config.recurrent:
        _write_settings({"model_type": MODEL_TYPE, **settings}, folder / weights.CONFIG)
        weights.write_weights(own, folder)
        (folder / "encoder").mkdir()
        tagger.encoder.save_files(folder / "encoder")
        return
    model: Any = tagger.model
    head = {name: tensor for name, tensor in own.items() if name.startswith(_HEAD)}
    facts = {
        "architectures": [ARCHITECTURES[layout.model_type]],
        "id2label": {str(number): label for number, label in enumerate(tagger.labels_)},
        "label2id": {label: number for number, label in enumerate(tagger.labels_)},
        "classifier_dropout": tagger.config.dropout,
    }
    tokenizer: Any = tagger.encoder.tokenizer  # a TextTokenizer, as every network's
    config = replace(model.config, vocabulary=model.module.output_weight.shape[0])
    foreign.write(folder, layout, config, model.module, tokenizer.specials, head=head, facts=facts)
    save_framed(tokenizer, folder, segments=getattr(config, "types", 0) > 1)
    _write_settings(settings, folder / SETTINGS)
    chain = {name: tensor for name, tensor in own.items() if name not in head}
    if chain:
        (folder / _CHAIN).mkdir()
        weights.write_weights(chain, folder / _CHAIN)


def load_tagger(cls: Any, folder: Path) -> Any:
    """Read what save_tagger wrote, or a ForTokenClassification of transformers, strictly."""
    path = folder / weights.CONFIG
    table = weights.read_json(path)
    if table.get("model_type") == MODEL_TYPE:
        return _load_own(cls, folder, table)
    check_model_type(path, table, tuple(ARCHITECTURES))
    kind = KINDS[table["model_type"]]
    found = weights.read_weights(folder)
    head = {name: tensor for name, tensor in found.items() if name.startswith(_HEAD)}
    if not head:
        raise ContentError(
            "{path}: {kind} has no head for labels of tokens", path=folder / weights.WEIGHTS, kind=kind.model_type
        )
    model = open_under_head(folder, kind, table, {name: tensor for name, tensor in found.items() if name not in head})
    labels = labels_of(path, table)
    if (folder / SETTINGS).is_file():
        settings = _read_settings(folder / SETTINGS, weights.read_json(folder / SETTINGS))
        if settings[1] != labels:
            raise damaged(folder / SETTINGS, "its labels are not those of config.json")
        config = settings[0]
    else:
        scheme = "none" if guess_scheme([labels]) == "none" else "bio"
        config = TaggerConfig(scheme=scheme, decoder="tokens")  # type: ignore[arg-type]
    tagger = cls(model, labels, config)
    chain = weights.read_weights(folder / _CHAIN) if config.decoder == "crf" else {}
    _fill_head(tagger, {**head, **chain}, folder / weights.WEIGHTS)
    return tagger


def _load_own(cls: Any, folder: Path, table: Mapping[str, Any]) -> Any:
    from hornbook.catalog import model_class

    config, labels, alphabet = _read_settings(folder / weights.CONFIG, table)
    inner = folder / "encoder"
    kind = str(weights.read_json(inner / weights.CONFIG).get("model_type"))
    model = without_head(model_class(kind, where=inner).load(inner))
    if not hasattr(model, "encoder"):
        raise ContentError("{path}: model_type '{kind}' encodes no texts", path=inner / weights.CONFIG, kind=kind)
    tagger = cls(model, labels, config, alphabet=alphabet)
    _fill_head(tagger, weights.read_weights(folder), folder / weights.WEIGHTS)
    return tagger


def _fill_head(tagger: Any, found: Mapping[str, Tensor], path: Path) -> None:
    weights.fill(_own_tensors(tagger), found, where=path)
    tagger.module.eval()


def _own_tensors(tagger: Any) -> dict[str, Tensor]:
    """What stands on the encoder."""
    return {name: weight for name, weight in tagger.module.named_parameters() if not name.startswith("body.")}


def _layout(model: Any) -> foreign.Layout | None:
    """How transformers writes this network under a head for labels; None where it does not."""
    if not isinstance(model, MaskedLM) or model.config.__class__.__name__ != "BertConfig":
        return None
    return KINDS[model.config.layout].layout


def _write_settings(table: Mapping[str, Any], path: Path) -> None:
    path.write_text(json.dumps(table, indent=1, ensure_ascii=True) + "\n", "utf-8")


def _read_settings(path: Path, table: Mapping[str, Any]) -> tuple[TaggerConfig, list[str], str]:
    labels, alphabet, fields = (table.get(key) for key in ("labels", "alphabet", "config"))
    if not isinstance(fields, dict) or not isinstance(alphabet, str) or not _are_labels(labels):
        raise damaged(path, "labels, alphabet or config are missing")
    try:
        return from_dict(TaggerConfig, fields, where=str(path), prefix="config."), list(labels or ()), alphabet
    except UsageError as error:
        raise ContentError(error.template, **error.fields) from None


def _are_labels(labels: Any) -> bool:
    named: Sequence[Any] = labels if isinstance(labels, list) else []
    return len(named) > 1 and all(isinstance(label, str) and label for label in named) and len(set(named)) == len(named)
