"""Numbers that are not finite in masked training (P6): a one-line error, and nothing spoiled is ever saved."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from hornbook.core.errors import ContentError
from hornbook.core.events import Step
from hornbook.corpus.masked_batches import MaskedBatches
from hornbook.corpus.masking import Masking
from hornbook.corpus.pair_batches import PairBatches
from hornbook.corpus.shards import ShardSplit
from hornbook.models.bert import BertConfig, BertModule
from hornbook.objectives.masked import masked_loss
from hornbook.tokenizers import TokenizerConfig, train_tokenizer
from hornbook.training import TrainingConfig, resume, train

pytestmark = pytest.mark.faults
TEXTS = [f"the {word} sat. a dog ran to it. then the {word} left." for word in ("cat", "hen", "cow", "pig", "owl", "ant")]
CONFIG = TrainingConfig(steps=12, precision="float32", save_every=2, ema=0.9, evaluations=0, optimizer="adamw")


def spoil_table(module: BertModule) -> None:
    module.output_weight.data[7, 0] = math.nan


def spoil_head(module: BertModule) -> None:
    next(module.head.parameters()).data.view(-1)[0] = math.inf


def spoil_bias(module: BertModule) -> None:
    module.output_bias.data[5] = -math.inf if module.output_bias is None else math.nan


def spoil_gradient(module: BertModule) -> None:
    module.output_weight.register_hook(lambda gradient: gradient * math.nan)


@pytest.mark.parametrize("pairs", [False, True])
@pytest.mark.parametrize("spoil", [spoil_table, spoil_head, spoil_bias, spoil_gradient])
@pytest.mark.parametrize("precision", ["float32", "autocast"])
def test_nothing_that_is_not_finite_is_saved(
    tmp_path: Path, spoil: Callable[[BertModule], None], pairs: bool, precision: str
) -> None:
    """Expectation: after three bad steps one line that names the last good checkpoint; all that was saved is finite."""
    torch.manual_seed(0)
    tokenizer = train_tokenizer(TEXTS, TokenizerConfig(kind="chars"))
    split = ShardSplit.from_documents(tokenizer.encode_batch(TEXTS))
    module = BertModule(BertConfig(layers=1, width=16, heads=2, context=24, next_sentence=pairs), tokenizer.size)
    kind = PairBatches if pairs else MaskedBatches
    batches = kind(split, tokenizer, rows=4, length=24, masking=Masking(), seed=1)
    config = TrainingConfig(**{**vars(CONFIG), "precision": precision})
    with pytest.raises(ContentError, match="not finite") as caught:
        for event in train(module, masked_loss, batches, config, folder=tmp_path):
            if isinstance(event, Step) and event.step == 6:
                spoil(module)
    assert "\n" not in str(caught.value) and "Last good checkpoint" in str(caught.value)
    newest = resume(tmp_path)
    assert newest.position.step >= 4 and newest.position.skipped_in_row == 0
    for name in ("model", "optim", "extra"):
        for tensor in newest.tensors(name).values():
            assert bool(np.isfinite(np.asarray(tensor.float())).all())
