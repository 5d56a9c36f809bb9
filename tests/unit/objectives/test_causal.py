import torch
import torch.nn.functional as F

from hornbook.corpus.batches import Batch
from hornbook.models.gpt_modern import ModernGptConfig, ModernGptModule
from hornbook.models.rnn import RnnConfig, RnnModule
from hornbook.objectives.causal import causal_loss


def test_the_loss_is_the_sum_over_counted_targets():
    torch.manual_seed(0)
    module = RnnModule(RnnConfig(width=16), 30).double()
    inputs, targets = torch.randint(0, 30, (3, 9)), torch.randint(0, 30, (3, 9))
    targets[0, :4] = -100
    loss, carry = causal_loss(module, Batch(inputs, targets, True))
    logits = F.linear(module(inputs)[0], module.output_weight, module.output_bias)
    assert loss.count == 23
    assert torch.allclose(loss.total, F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum"))
    again, _ = causal_loss(module, Batch(inputs, targets, False), carry)
    assert not torch.allclose(again.total, loss.total)


def test_pieces_add_up_to_the_whole_batch():
    torch.manual_seed(0)
    module = ModernGptModule(ModernGptConfig(layers=2, width=32, heads=2, context=9), 30).double()
    with torch.no_grad():
        for weight in module.parameters():
            weight.add_(torch.randn_like(weight) * 0.1)
    inputs, targets = torch.randint(0, 30, (4, 9)), torch.randint(0, 30, (4, 9))
    targets[3, 2:] = -100
    weights = list(module.parameters())
    whole, carry = causal_loss(module, Batch(inputs, targets, True))
    expected = torch.autograd.grad(whole.total / whole.count, weights)
    pieces = [causal_loss(module, Batch(inputs[rows], targets[rows], True))[0] for rows in (slice(0, 1), slice(1, 4))]
    count = sum(piece.count for piece in pieces)
    found = torch.autograd.grad(sum(piece.total for piece in pieces) / count, weights)
    assert carry is None and count == whole.count
    for first, second in zip(found, expected):
        assert torch.allclose(first, second, rtol=1e-10, atol=1e-12)
