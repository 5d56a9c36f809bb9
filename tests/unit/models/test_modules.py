import math

import pytest
import torch
import torch.nn.functional as F

from hornbook.core.errors import UsageError
from hornbook.models import gpt, gpt_modern, llama, rnn
from hornbook.models.gpt import GptConfig, GptModule
from hornbook.models.gpt_modern import ModernGptConfig, ModernGptModule
from hornbook.models.llama import LlamaConfig, LlamaModule
from hornbook.models.rnn import RnnConfig, RnnModule

VOCABULARY = 50
CASES = {
    "classic": (GptModule, GptConfig(layers=2, width=32, heads=2, context=16), gpt),
    "classic untied": (GptModule, GptConfig(layers=1, width=32, context=16, inner=48, tied=False), gpt),
    "modern": (ModernGptModule, ModernGptConfig(layers=3, width=32, heads=2, context=16), gpt_modern),
    "modern untied": (ModernGptModule, ModernGptConfig(layers=1, width=32, context=16, inner=48, tied=False), gpt_modern),
    "llama": (LlamaModule, LlamaConfig(layers=2, width=32, heads=4, key_heads=2, context=16), llama),
    "llama untied": (LlamaModule, LlamaConfig(layers=1, width=32, heads=2, head_size=8, context=16, tied=False), llama),
    "lstm": (RnnModule, RnnConfig(cell="lstm", layers=2, width=24), rnn),
    "gru": (RnnModule, RnnConfig(cell="gru", width=24, embedding=12), rnn),
    "rnn": (RnnModule, RnnConfig(cell="rnn", layers=2, width=24, embedding=12, tied=False), rnn),
}


def build(name, *, noise=0.2):
    """A network whose weights are all away from zero, so that every part matters."""
    cls, config, _ = CASES[name]
    torch.manual_seed(0)
    module = cls(config, VOCABULARY).eval()
    with torch.no_grad():
        for weight in module.parameters():
            weight.add_(torch.randn_like(weight) * noise)
    return module


def logits(module, ids):
    return F.linear(module(ids)[0], module.output_weight, module.output_bias)


@pytest.mark.parametrize("name", CASES)
def test_changing_a_token_never_changes_what_was_said_before_it(name):
    module = build(name).double()
    ids = torch.randint(0, VOCABULARY, (2, 16))
    before = logits(module, ids)
    for position in range(16):
        changed = ids.clone()
        changed[:, position] = (changed[:, position] + 1) % VOCABULARY
        after = logits(module, changed)
        assert torch.equal(after[:, :position], before[:, :position])
        assert not torch.allclose(after[:, position:], before[:, position:])


@pytest.mark.parametrize("name", CASES)
def test_the_parameter_count_is_the_number_of_weights(name):
    cls, config, room = CASES[name]
    module = cls(config, VOCABULARY)
    assert room.parameters(config, VOCABULARY) == sum(weight.numel() for weight in module.parameters())


@pytest.mark.parametrize("name", CASES)
def test_flops_are_six_per_multiplying_weight_and_attention(name):
    cls, config, room = CASES[name]
    module = cls(config, VOCABULARY)
    tables = {id(part.weight) for part in module.modules() if isinstance(part, torch.nn.Embedding)}
    matrices = sum(weight.numel() for weight in module.parameters() if weight.ndim == 2 and id(weight) not in tables)
    head = module.output_weight.numel() if id(module.output_weight) in tables else 0
    across = module.blocks[0].attention.output.in_features if room is not rnn else 0
    attention = 0 if room is rnn else 6 * config.layers * config.context * across
    assert room.flops_per_token(config, VOCABULARY) == 6 * (matrices + head) + attention


@pytest.mark.parametrize("name", CASES)
def test_the_same_seed_gives_the_same_weights(name):
    cls, config, _ = CASES[name]
    torch.manual_seed(7)
    first = cls(config, VOCABULARY)
    torch.manual_seed(7)
    second = cls(config, VOCABULARY)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters()))


@pytest.mark.parametrize("name", CASES)
def test_every_dtype_computes_and_bfloat16_stays_close(name):
    module = build(name, noise=0.05)
    ids = torch.randint(0, VOCABULARY, (2, 16))
    with torch.no_grad():
        exact = logits(module.double(), ids).log_softmax(-1)
        single = logits(module.float(), ids).log_softmax(-1)
        rounded = logits(module.bfloat16(), ids).double().log_softmax(-1)
    assert (single.double() - exact).abs().max() < 1e-5
    assert (rounded - exact).abs().max() < 0.1


@pytest.mark.parametrize("name", CASES)
def test_an_untrained_network_is_near_the_uniform_guess(name):
    cls, config, _ = CASES[name]
    torch.manual_seed(0)
    module = cls(config, VOCABULARY)
    ids = torch.randint(0, VOCABULARY, (8, 16))
    loss = F.cross_entropy(logits(module, ids).flatten(0, 1), torch.randint(0, VOCABULARY, (8 * 16,)))
    assert loss.item() == pytest.approx(math.log(VOCABULARY), abs=0.3)


@pytest.mark.parametrize("name", ["lstm", "gru", "rnn"])
def test_carry_joins_stretches_of_text(name):
    module = build(name)
    ids = torch.randint(0, VOCABULARY, (3, 20))
    whole, _ = module(ids)
    first, carry = module(ids[:, :7])
    second, _ = module(ids[:, 7:], carry)
    assert torch.allclose(torch.cat([first, second], dim=1), whole, atol=1e-6)
    assert not torch.allclose(module(ids[:, 7:])[0], second)


@pytest.mark.parametrize("name", ["classic", "modern"])
def test_dropout_acts_in_training_alone(name):
    cls, config, _ = CASES[name]
    module = build(name)
    noisy = cls(type(config)(**{**vars(config), "dropout": 0.5}), VOCABULARY)
    noisy.load_state_dict(module.state_dict())
    ids = torch.randint(0, VOCABULARY, (2, 16))
    assert not torch.allclose(noisy.train()(ids)[0], module(ids)[0])
    assert torch.equal(noisy.eval()(ids)[0], module(ids)[0])


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(UsageError, match="not a multiple"):
        GptModule(GptConfig(width=100, heads=3), VOCABULARY)
    with pytest.raises(UsageError, match="even"):
        ModernGptModule(ModernGptConfig(width=15, heads=3), VOCABULARY)
