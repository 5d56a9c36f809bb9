"""Networks that guess hidden tokens: packed rows, sizes, gradients, dropout."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from hornbook.core.errors import UsageError
from hornbook.layers.position import positions_within
from hornbook.models import bert, bert_modern
from hornbook.models.bert import BertConfig, BertModule
from hornbook.models.bert_modern import ModernBertConfig, ModernBertModule

VOCABULARY = 50
CASES = {
    "bert": (BertModule, BertConfig(layers=2, width=32, heads=2, context=24, dropout=0.0), bert),
    "bert whole": (
        BertModule,
        BertConfig(layers=1, width=32, context=24, inner=48, dropout=0.0, tied=False, next_sentence=True),
        bert,
    ),
    "roberta": (
        BertModule,
        BertConfig(layers=2, width=32, heads=2, context=24, dropout=0.0, types=1, layout="roberta", padding=3),
        bert,
    ),
    "distilbert": (
        BertModule,
        BertConfig(layers=1, width=32, heads=2, context=24, dropout=0.0, types=0, layout="distilbert"),
        bert,
    ),
    "encoder": (BertModule, BertConfig(layers=1, width=32, context=24, dropout=0.0, head=False, pooler=True), bert),
    "modern": (ModernBertModule, ModernBertConfig(layers=2, width=32, heads=2, context=24), bert_modern),
    "modern local": (
        ModernBertModule,
        ModernBertConfig(layers=4, width=32, heads=2, context=24, neighbourhood=6, global_every=3, tied=False),
        bert_modern,
    ),
}
WITH_HEAD = [name for name in CASES if name != "encoder"]


def build(name, *, noise=0.2):
    """A network whose weights are all away from zero, so that every part matters."""
    cls, config, _ = CASES[name]
    torch.manual_seed(0)
    module = cls(config, VOCABULARY).eval()
    with torch.no_grad():
        for weight in module.parameters():
            weight.add_(torch.randn_like(weight) * noise)
    return module


def logits(module, states):
    return F.linear(module.transform(states), module.output_weight, module.output_bias)


def packed(lengths, total, *, seed=0):
    """One row of ids holding pieces of these lengths, padding behind; numbers of the pieces."""
    ids = torch.randint(0, VOCABULARY, (1, total), generator=torch.Generator().manual_seed(seed))
    numbers = [number for number, length in enumerate(lengths) for _ in range(length)]
    return ids, torch.tensor([[*numbers, *[-1] * (total - len(numbers))]], dtype=torch.int32)


def test_positions_count_from_zero_in_every_piece():
    documents = torch.tensor([[0, 0, 0, 1, 1, -1, -1], [3, 4, 4, 4, 4, 4, 5]], dtype=torch.int32)
    assert positions_within(documents).tolist() == [[0, 1, 2, 0, 1, 0, 1], [0, 0, 1, 2, 3, 4, 0]]


@settings(max_examples=20, deadline=None)
@given(name=st.sampled_from(list(CASES)), lengths=st.lists(st.integers(1, 9), min_size=2, max_size=4), data=st.data())
def test_a_neighbour_in_a_packed_row_never_changes_a_piece(name, lengths, data):
    module = build(name)
    total = min(24, sum(lengths) + data.draw(st.integers(0, 3)))
    lengths = lengths if sum(lengths) <= total else [8, 8, 8]
    ids, documents = packed(lengths, total)
    changed = data.draw(st.integers(0, len(lengths) - 1))
    other = torch.where(documents == changed, (ids + 1) % VOCABULARY, ids)
    with torch.no_grad():
        before, after = module(ids, documents), module(other, documents)
    kept = documents != changed
    assert torch.allclose(before[kept], after[kept], atol=1e-6)
    assert not torch.allclose(before[~kept], after[~kept], atol=1e-3)


@pytest.mark.parametrize("trains", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_a_packed_row_equals_rows_of_their_own(name, trains):
    module = build(name).double()
    lengths = [5, 9, 1, 7]
    ids, documents = packed(lengths, 24)
    segments = torch.randint(0, 2, ids.shape) if isinstance(module, BertModule) and module.config.types == 2 else None
    with torch.set_grad_enabled(trains):  # plain products in training, the fused kernel otherwise
        together = module(ids, documents, segments)
        begin = 0
        for length in lengths:
            piece = slice(begin, begin + length)
            alone = module(ids[:, piece], None, None if segments is None else segments[:, piece])
            assert torch.allclose(together[:, piece], alone, atol=1e-10)
            begin += length


@pytest.mark.parametrize("name", CASES)
def test_both_kernels_give_the_same_states_and_gradients(name):
    module = build(name).double()
    ids, documents = packed([10, 12], 24)
    training = module(ids, documents)
    with torch.no_grad():
        assert torch.allclose(training, module(ids, documents), atol=1e-10)
    training.square().sum().backward()
    assert (
        all(torch.isfinite(weight.grad).all() for weight in module.parameters() if weight.grad is not None)
        and module.embedding.weight.grad is not None
    )


@pytest.mark.parametrize("name", CASES)
def test_every_place_sees_both_sides(name):
    module = build(name)
    ids = torch.randint(0, VOCABULARY, (1, 7))
    with torch.no_grad():
        before = module(ids)
        for place in (0, 6):
            changed = ids.clone()
            changed[0, place] = (changed[0, place] + 1) % VOCABULARY
            assert ((module(changed) - before).abs().amax(dim=-1) > 1e-5).all()


def test_a_neighbourhood_ends():
    torch.manual_seed(0)
    module = ModernBertModule(
        ModernBertConfig(layers=2, width=32, heads=2, context=24, neighbourhood=6, global_every=2), VOCABULARY
    )
    ids = torch.randint(0, VOCABULARY, (1, 20))
    assert module._near(ids)[0, 10].nonzero().flatten().tolist() == list(range(7, 14))


@pytest.mark.parametrize("name", CASES)
def test_the_parameter_count_is_the_number_of_weights(name):
    cls, config, room = CASES[name]
    module = cls(config, VOCABULARY)
    assert room.parameters(config, VOCABULARY) == sum(weight.numel() for weight in module.parameters())


@pytest.mark.parametrize("name", ["bert", "bert whole", "roberta", "distilbert", "modern", "modern local"])
def test_flops_are_six_per_multiplying_weight_and_attention(name):
    cls, config, room = CASES[name]
    module = cls(config, VOCABULARY)
    blocks = sum(weight.numel() for weight in module.blocks.parameters() if weight.ndim == 2)
    head = bert.PREDICTED * (module.head.dense.weight.numel() + module.output_weight.numel())
    attention = 12 * config.layers * config.context * config.width
    assert room.flops_per_token(config, VOCABULARY) == pytest.approx(6 * (blocks + head) + attention)


@pytest.mark.parametrize("name", WITH_HEAD)
def test_an_untrained_network_is_near_the_uniform_guess(name):
    cls, config, _ = CASES[name]
    torch.manual_seed(0)
    module = cls(config, VOCABULARY)
    ids = torch.randint(0, VOCABULARY, (8, 16))
    guesses = logits(module, module(ids).flatten(0, 1))
    loss = F.cross_entropy(guesses, torch.randint(0, VOCABULARY, (8 * 16,)))
    assert loss.item() == pytest.approx(math.log(VOCABULARY), abs=0.3)


@pytest.mark.parametrize("name", WITH_HEAD)
def test_bfloat16_stays_close(name):
    module = build(name, noise=0.05)
    ids, documents = packed([10, 12], 24)
    with torch.no_grad():
        exact = logits(module, module(ids, documents)[0]).log_softmax(-1)
        rounded = logits(module.bfloat16(), module(ids, documents)[0]).float().log_softmax(-1)
    assert (rounded - exact).abs().max() < 0.1


@pytest.mark.parametrize("name", ["bert", "modern"])
def test_dropout_acts_in_training_alone(name):
    cls, config, _ = CASES[name]
    module = build(name)
    noisy = cls(type(config)(**{**vars(config), "dropout": 0.5}), VOCABULARY)
    noisy.load_state_dict(module.state_dict())
    ids = torch.randint(0, VOCABULARY, (2, 16))
    assert not torch.allclose(noisy.train()(ids), module(ids))
    with torch.no_grad():
        assert torch.equal(noisy.eval()(ids), module(ids))


def test_the_next_sentence_is_guessed_from_the_first_state():
    module = build("bert whole")
    states = torch.randn(3, 32)
    expected = F.linear(torch.tanh(module.pooler(states)), module.following.weight, module.following.bias)
    assert torch.equal(module.next_sentence(states), expected) and expected.shape == (3, 2)


def test_layouts_without_a_part_refuse_it():
    with pytest.raises(UsageError, match="roberta has no next-sentence head"):
        BertModule(BertConfig(layout="roberta", next_sentence=True), VOCABULARY)
    with pytest.raises(UsageError, match="neither token types nor a pooler"):
        BertModule(BertConfig(layout="distilbert"), VOCABULARY)
    with pytest.raises(UsageError, match="not a multiple"):
        BertModule(BertConfig(width=100, heads=3), VOCABULARY)
    with pytest.raises(UsageError, match="even"):
        ModernBertModule(ModernBertConfig(width=15, heads=3), VOCABULARY)


def test_rotary_tables_grow_with_the_positions_asked_for():
    from hornbook.layers.position import RotaryTable

    small, large = RotaryTable(10, 8), RotaryTable(1 << 20, 8)
    near, far = torch.arange(10), torch.tensor([0, 5000])
    assert torch.equal(small.at(near, torch.float64)[0], large.at(near, torch.float64)[0])
    cosines, sines = large.at(far, torch.float64)
    assert torch.allclose(cosines[0, 1, 0, :4], torch.cos(5000 * 10000.0 ** (-torch.arange(0, 8, 2).double() / 8)))
    assert torch.equal(sines[0, 1, 0, :4], -sines[0, 1, 0, 4:]) and np.isfinite(sines.numpy()).all()
