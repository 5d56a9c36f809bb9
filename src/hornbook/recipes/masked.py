"""BERT, and RoBERTa as what it changed of BERT's recipe (Liu et al. 2019, section 4)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal

from hornbook.corpus.masking import Masking
from hornbook.models.bert import BertConfig
from hornbook.models.bert_modern import ModernBertConfig
from hornbook.recipes import Recipe
from hornbook.training import TrainingConfig


@dataclass(frozen=True)
class BertRecipe:
    """Configuration of a BERT or RoBERTa.

    `pairs`: rows are full sentences ("none"), or two segments of which the second follows the first or does not ("next", Devlin
    et al. 2019), or stands before it ("order", Lan et al. 2020); then the model needs `next_sentence`.
    """

    model: BertConfig = field(default_factory=BertConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    masking: Masking = field(default_factory=Masking)
    pairs: Literal["none", "next", "order"] = "none"


@dataclass(frozen=True)
class ModernBertRecipe:
    """Configuration of a masked model in the layout of ModernBERT."""

    model: ModernBertConfig = field(default_factory=ModernBertConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    masking: Masking = field(default_factory=Masking)
    pairs: Literal["none"] = "none"


_BERT = BertRecipe(
    BertConfig(context=128, next_sentence=True),
    TrainingConfig(optimizer="adamw", rows=32, length=128, learning_rate=1e-3, tuned_width=256, warmup=0.1, decay=0.9, ema=0.0),
    Masking(static_copies=10),
    "next",
)
_ROBERTA = replace(
    _BERT,
    model=replace(_BERT.model, layout="roberta", types=1, epsilon=1e-5, next_sentence=False),
    masking=replace(_BERT.masking, static_copies=0),  # dynamic masking, section 4.1
    pairs="none",  # full sentences without the next-sentence loss, section 4.2
    training=replace(_BERT.training, rows=64),  # larger batches, section 4.3
)
_MODERN = ModernBertRecipe(  # in a layout that transformers opens; what each part gains: docs/log.md
    ModernBertConfig(context=128),
    TrainingConfig(optimizer="muon", rows=32, length=128, learning_rate=6e-3, tuned_width=256),
    Masking(rate=0.3, last_rate=0.15),
)
_AS_BERT: dict[str, object] = {
    "masking.static-copies": 10,
    "pairs": "next",
    "model.next-sentence": True,
    "training.rows": 32,
    "tokenizer": "wordpiece",
    "model.layout": "bert",
    "model.types": 2,
}
_SWITCHES: dict[str, dict[str, object]] = {  # Liu et al. 2019, sections 4.1 to 4.4
    "dynamic masking": {"masking.static-copies": 0},
    "full sentences, no pairs": {"pairs": "none", "model.next-sentence": False},
    "batches twice as large": {"training.rows": 64},
    "BPE of bytes": {"tokenizer": "bpe"},
}

BERT = Recipe(
    name="bert",
    title="BERT",
    generation=4,
    model="hornbook.models.masked:MaskedLM",
    styles=MappingProxyType({"classic": _BERT, "modern": _MODERN}),
    batches="masked",
    tokenizer="wordpiece",
)
# modern first: after 2 million tokens it answers half of the cloze questions, the published recipe a tenth (docs/log.md)
ROBERTA = replace(
    BERT,
    name="roberta",
    title="RoBERTa",
    styles=MappingProxyType({"modern": _MODERN, "classic": _ROBERTA}),
    tokenizer="bpe",  # of bytes, section 4.4
    ablation=MappingProxyType(
        {"BERT": _AS_BERT, **{name: {**_AS_BERT, **switch} for name, switch in _SWITCHES.items()}, "RoBERTa: all of them": {}}
    ),
)
