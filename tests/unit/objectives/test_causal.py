from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from hornbook.corpus.batches import Batch, BlockBatches
from hornbook.corpus.shards import ShardSplit
from hornbook.models.gpt import GptConfig, GptLM
from hornbook.models.gpt_modern import ModernGptConfig, ModernGptModule
from hornbook.models.llama import LlamaConfig
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


@pytest.mark.parametrize("layout", [GptConfig, ModernGptConfig, LlamaConfig])
def test_a_neighbour_document_never_changes_the_loss(layout):
    """Blocks of a packed stream: the loss of a document is that of the document alone, whatever shares its row."""
    torch.manual_seed(0)
    network = GptLM.build(layout(layers=2, width=32, heads=2, context=24), 30).double()
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(torch.randn_like(weight) * 0.1)
    random = np.random.default_rng(3)
    documents = [random.integers(4, 30, size) for size in (5, 9, 2)]
    specials = {"start": 0, "end": 1}

    def loss(batch):
        tensors = Batch(torch.from_numpy(batch.inputs), torch.from_numpy(batch.targets), True, documents=batch.documents)
        if tensors.documents is not None:
            tensors = replace(tensors, documents=torch.from_numpy(tensors.documents))
        return causal_loss(network, tensors)[0]

    def blocks(texts):
        split = ShardSplit.from_documents(texts)
        return BlockBatches(split, rows=1, length=sum(len(text) + 2 for text in texts), specials=specials, seed=1)

    # one row holds all of the text; it may begin inside a document, whose two parts are then two texts
    packed = blocks(documents)[0]
    assert packed.documents.max() >= 2
    expected = 0.0
    for number in range(packed.documents.max() + 1):
        mine = packed.documents == number
        alone = Batch(packed.inputs[mine][None], packed.targets[mine][None], True)
        expected += float(loss(alone).total.detach())
    assert float(loss(packed).total.detach()) == pytest.approx(expected, abs=1e-9)


def test_documents_begin_behind_targets_that_do_not_count():
    split = ShardSplit.from_documents([[5, 6], [7], [8, 9, 10]])
    batch = BlockBatches(split, rows=2, length=6, specials={"start": 0, "end": 1}, seed=4)[0]
    for inputs, numbers in zip(batch.inputs, batch.documents):
        for column in range(1, 6):
            assert (numbers[column] != numbers[column - 1]) == (inputs[column] == 0)
    one = BlockBatches(ShardSplit.from_documents([[5] * 50]), rows=1, length=8, specials={"start": 0, "end": 1}, seed=4)
    assert sum(one[index].documents is None for index in range(6)) >= 4
