"""Training that goes on from a checkpoint: the recipe its layout belongs to, with gentle rates."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hornbook.core.errors import UsageError
from hornbook.models.bert import BertConfig
from hornbook.models.bert_modern import ModernBertConfig
from hornbook.models.gpt import GptConfig
from hornbook.models.gpt_modern import ModernGptConfig
from hornbook.models.llama import LlamaConfig
from hornbook.models.rnn import RnnConfig
from hornbook.recipes import Recipe
from hornbook.recipes.gpt import GPT, GptRecipe, LlamaRecipe, ModernGptRecipe
from hornbook.recipes.masked import BERT, ROBERTA, BertRecipe, ModernBertRecipe
from hornbook.recipes.rnn import GRU, LSTM, RNN, RnnRecipe
from hornbook.training import TrainingConfig

_GENTLE = TrainingConfig(optimizer="adamw", rows=32, learning_rate=2e-4, warmup=0.05, decay=0.9, weight_decay=0.01)
_LENGTH = 128  # tokens of a row, less where the context is shorter
_RECURRENT = {"rnn": RNN, "lstm": LSTM, "gru": GRU}


def continued(model: Any) -> tuple[Recipe, Any]:
    """The recipe and configuration that train a network of this configuration on; UsageError for other kinds."""
    if isinstance(model, BertConfig):
        recipe = BERT if model.layout == "bert" else ROBERTA
        return recipe, BertRecipe(model, _gentle(model.context))
    if isinstance(model, ModernBertConfig):
        return ROBERTA, ModernBertRecipe(model, _gentle(model.context))
    if isinstance(model, RnnConfig):
        return _RECURRENT[model.cell], RnnRecipe(model, replace(_GENTLE, length=64))
    causal: dict[type[Any], type[Any]] = {GptConfig: GptRecipe, ModernGptConfig: ModernGptRecipe, LlamaConfig: LlamaRecipe}
    if type(model) in causal:
        return GPT, causal[type(model)](model, _gentle(model.context))
    raise UsageError("a model of kind {kind} cannot be trained on: only networks can", kind=type(model).__name__)


def _gentle(context: int) -> TrainingConfig:
    return replace(_GENTLE, length=min(_LENGTH, context))
