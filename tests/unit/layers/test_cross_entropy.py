import pytest
import torch
import torch.nn.functional as F

from hornbook.layers import cross_entropy
from hornbook.layers.cross_entropy import cross_entropy_sum, token_log_probs

TOLERANCE = {torch.float64: 1e-12, torch.float32: 2e-6, torch.bfloat16: 1e-2}


def problem(dtype, *, bias=True, positions=300, vocabulary=97, width=24, ignored=True):
    torch.manual_seed(0)
    states = torch.randn(positions, width).to(dtype).requires_grad_()
    weight = torch.randn(vocabulary, width).mul(0.5).to(dtype).requires_grad_()
    offset = torch.randn(vocabulary).to(dtype).requires_grad_() if bias else None
    targets = torch.randint(0, vocabulary, (positions,))
    if ignored:
        targets[::7] = -100
    return states, weight, offset, targets


def reference(states, weight, bias, targets):
    """The same in float64 by torch's own function, from the same rounded inputs."""
    wide = [None if part is None else part.detach().double().requires_grad_() for part in (states, weight, bias)]
    loss = F.cross_entropy(F.linear(*wide), targets, reduction="sum")
    return loss, torch.autograd.grad(loss, [part for part in wide if part is not None])


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    """Many chunks, the last one shorter than the others, more than one flush of the bfloat16 sum."""
    monkeypatch.setattr(cross_entropy, "CHUNK_BYTES", 16 * 97 * 2)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("bias", [True, False])
def test_loss_and_gradients_equal_float64(dtype, bias):
    states, weight, offset, targets = problem(dtype, bias=bias)
    loss = cross_entropy_sum(states, weight, offset, targets)
    gradients = torch.autograd.grad(loss * 0.25, [part for part in (states, weight, offset) if part is not None])
    expected_loss, expected = reference(states, weight, offset, targets)
    assert loss.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    assert abs(loss.item() - expected_loss.item()) <= TOLERANCE[dtype] * abs(expected_loss.item()) * 0.1
    for found, wanted in zip(gradients, expected):
        assert found.dtype == dtype
        assert (found.double() - 0.25 * wanted).norm() <= TOLERANCE[dtype] * 0.25 * wanted.norm()


def test_gradcheck():
    states, weight, offset, targets = problem(torch.float64, positions=20, vocabulary=11, width=4)
    assert torch.autograd.gradcheck(lambda *parts: cross_entropy_sum(*parts, targets), (states, weight, offset))


def test_only_the_gradients_asked_for():
    states, weight, _, targets = problem(torch.float32, bias=False)
    frozen = weight.detach()
    cross_entropy_sum(states, frozen, None, targets).backward()
    assert states.grad is not None and frozen.grad is None
    alone = states.grad.clone()
    both = torch.autograd.grad(cross_entropy_sum(states, weight, None, targets), [states, weight])
    assert torch.equal(alone, both[0])


def test_all_ignored_gives_zero():
    states, weight, offset, targets = problem(torch.float32)
    loss = cross_entropy_sum(states, weight, offset, torch.full_like(targets, -100))
    gradients = torch.autograd.grad(loss, [states, weight, offset])
    assert loss.item() == 0 and all(not gradient.any() for gradient in gradients)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_target_too_unlikely_for_the_format_has_a_finite_loss(dtype):
    states = torch.tensor([[200.0]], dtype=dtype)
    weight = torch.tensor([[1.0], [0.0]], dtype=dtype)
    assert cross_entropy_sum(states, weight, None, torch.tensor([1])).item() == pytest.approx(200, rel=1e-3)


def test_not_a_number_stays_visible():
    states, weight, _, targets = problem(torch.float32, bias=False)
    with torch.no_grad():
        states[5] = float("nan")
    assert not torch.isfinite(cross_entropy_sum(states, weight, None, targets))


@pytest.mark.parametrize("biased", [False, True])
def test_autocast_computes_in_its_dtype_and_returns_gradients_in_the_weights_dtype(biased):
    states, weight, bias, targets = problem(torch.float32, bias=biased)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = cross_entropy_sum(states, weight, bias, targets)
    gradient = torch.autograd.grad(loss, weight)[0]
    expected = reference(states, weight, bias, targets)[1][1]
    error = (gradient.double() - expected).norm() / expected.norm()
    assert gradient.dtype == torch.float32 and 1e-5 < error < 1e-2  # rounded to bfloat16 on the way, and no more


def test_the_full_logits_never_exist(monkeypatch):
    monkeypatch.setattr(cross_entropy, "CHUNK_BYTES", 2**20)
    states, weight, _, targets = problem(torch.float32, bias=False, positions=4096, vocabulary=4000, width=8)
    with torch.profiler.profile(profile_memory=True) as profile:
        cross_entropy_sum(states, weight, None, targets).backward()
    largest = max(event.self_cpu_memory_usage for event in profile.key_averages())
    assert largest < 4096 * 4000 * 4 / 8


def test_token_log_probs_equal_log_softmax():
    states, weight, offset, targets = problem(torch.float32, ignored=False)
    scores = token_log_probs(states, weight, offset, targets)
    expected = F.linear(states.double(), weight.double(), offset.double()).log_softmax(-1).gather(1, targets[:, None])[:, 0]
    assert torch.allclose(scores.double(), expected, atol=1e-5)


def test_states_behind_the_last_target_count_nothing():
    torch.manual_seed(0)
    states, weight = torch.randn(7, 5, dtype=torch.float64), torch.randn(11, 5, dtype=torch.float64)
    targets = torch.tensor([3, 0, 10, 3])
    more, same, own, other = (tensor.clone().requires_grad_() for tensor in (states, weight, states[:4], weight))
    padded, plain = cross_entropy_sum(more, same, None, targets), cross_entropy_sum(own, other, None, targets)
    padded.backward()
    plain.backward()
    assert torch.equal(padded, plain) and torch.allclose(same.grad, other.grad)
    assert torch.allclose(more.grad[:4], own.grad) and not more.grad[4:].any()
