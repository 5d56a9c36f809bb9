"""The masked loss against a plain float64 computation over all positions; pairs, pieces of a batch, tokens read."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from hornbook.corpus.masking import MaskedBatch
from hornbook.models.bert import BertConfig, BertModule
from hornbook.objectives.masked import masked_loss

SIZE, IGNORED = 30, -100


def bert(**options: object) -> BertModule:
    torch.manual_seed(0)
    module = BertModule(BertConfig(layers=2, width=16, heads=2, context=12, dropout=0.0, **options), SIZE).double()  # type: ignore[arg-type]
    with torch.no_grad():
        for weight in module.parameters():
            weight.add_(torch.randn_like(weight) * 0.2)
    return module


def batch(rows: int = 4, *, pairs: bool = False) -> MaskedBatch:
    """Rows of unequal length with 1, 2, .. hidden tokens; of pairs, the second row has no label."""
    generator = np.random.default_rng(2)
    inputs = generator.integers(6, SIZE, (rows, 12))
    targets, documents = np.full((rows, 12), IGNORED), np.zeros((rows, 12), np.int32)
    for row in range(rows):
        documents[row, 12 - row :] = -1
        targets[row, 1 : 2 + row] = generator.integers(6, SIZE, 1 + row)
    segments = (np.arange(12) > 5).astype(np.int64) * np.ones((rows, 1), np.int64)
    labels = np.array([0, IGNORED, 1, 1])[:rows]
    arrays = [torch.from_numpy(array) for array in (inputs, targets, documents, segments, labels)]
    return MaskedBatch(*arrays[:3], *(arrays[3:] if pairs else []))  # type: ignore[arg-type]


def part(whole: MaskedBatch, rows: slice) -> MaskedBatch:
    names = ("inputs", "targets", "documents", "segments", "labels")
    return MaskedBatch(*(None if getattr(whole, name) is None else getattr(whole, name)[rows] for name in names))


def plainly(module: BertModule, rows: MaskedBatch) -> torch.Tensor:
    """Mean -log p of the hidden tokens and, where there are labels, of the label that each hidden token's row has."""
    states = module(rows.inputs, rows.documents, rows.segments)
    scores = F.linear(module.transform(states), module.output_weight, module.output_bias).log_softmax(-1)  # (B, T, V)
    losses = []
    for row in range(len(rows.inputs)):
        for place in range(rows.inputs.shape[1]):
            if rows.targets[row, place] != IGNORED:
                loss = -scores[row, place, rows.targets[row, place]]
                if rows.labels is not None and rows.labels[row] != IGNORED:
                    loss = loss - module.next_sentence(states[row : row + 1, 0]).log_softmax(-1)[0, rows.labels[row]]
                losses.append(loss)
    return torch.stack(losses).sum() / len(losses)


@pytest.mark.parametrize("pairs", [False, True])
def test_loss_and_gradients_are_those_of_a_plain_computation(pairs: bool) -> None:
    module, rows = bert(next_sentence=pairs), batch(pairs=pairs)
    weights = list(module.parameters())
    loss, carry = masked_loss(module, rows)
    assert carry is None and loss.count == 1 + 2 + 3 + 4
    expected = plainly(module, rows)
    assert float((loss.total / loss.count - expected).detach()) == pytest.approx(0, abs=1e-12)
    found = torch.autograd.grad(loss.total / loss.count, weights, allow_unused=True)
    for one, other in zip(found, torch.autograd.grad(expected, weights, allow_unused=True), strict=True):
        assert (one is None) == (other is None)
        assert one is None or torch.allclose(one, other, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("pairs", [False, True])
def test_pieces_of_a_batch_add_up_to_the_whole(pairs: bool) -> None:
    """Pairs too, though their pieces hide unequal numbers of tokens: the division by the count comes once, at the end."""
    module, rows = bert(next_sentence=pairs), batch(pairs=pairs)
    whole, _ = masked_loss(module, rows)
    pieces = [masked_loss(module, part(rows, piece))[0] for piece in (slice(0, 1), slice(1, 2), slice(2, 4))]
    assert sum(piece.count for piece in pieces) == whole.count and sum(piece.tokens for piece in pieces) == whole.tokens
    assert sum(float(piece.total.detach()) for piece in pieces) == pytest.approx(float(whole.total.detach()), abs=1e-10)


def test_both_losses_are_means_that_count_alike_and_are_reported_apart() -> None:
    """Equally many tokens are hidden in each row: then the loss is the mean of the one plus the mean of the other."""
    module, rows = bert(next_sentence=True), batch(pairs=True)
    targets = torch.full_like(rows.targets, IGNORED)  # type: ignore[call-overload]
    targets[:, 2:4] = rows.inputs[:, 2:4]  # type: ignore[assignment]
    labels = torch.tensor([0, 1, 1, 0])
    rows = MaskedBatch(rows.inputs, targets, rows.documents, rows.segments, labels)  # type: ignore[arg-type]
    loss, _ = masked_loss(module, rows)
    (masked, hidden), (following, pairs) = loss.parts["masked"], loss.parts["next_sentence"]
    assert (hidden, pairs) == (8, 4)
    assert float(loss.total.detach() / loss.count) == pytest.approx(masked / hidden + following / pairs, abs=1e-12)


def test_tokens_read_are_those_of_text_not_padding() -> None:
    loss, _ = masked_loss(bert(), batch())
    assert loss.read == loss.tokens == 12 + 11 + 10 + 9


def test_what_is_not_hidden_is_not_learned_from() -> None:
    """No target, no loss: and its gradient is zero everywhere, not undefined."""
    module, rows = bert(), batch()
    rows.targets[:] = IGNORED
    loss, _ = masked_loss(module, rows)
    assert loss.count == 0 and float(loss.total.detach()) == 0
    for gradient in torch.autograd.grad(loss.total, list(module.parameters()), allow_unused=True):
        assert gradient is None or not gradient.any()
