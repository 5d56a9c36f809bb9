import pytest
import torch
import torch.nn.functional as F

from hornbook.core.errors import UsageError
from hornbook.layers.attention import causal_attention, check_sizes, head_count, plain_causal_attention
from hornbook.layers.dropout import Dropout, VariationalDropout, dropout
from hornbook.layers.norm import rms_norm
from hornbook.layers.position import RotaryTable, rotate
from hornbook.layers.stream import mix


def double(*shape):
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


def test_gradients_of_the_functions_written_by_hand():
    torch.manual_seed(0)
    assert torch.autograd.gradcheck(rms_norm, (double(3, 5),))
    assert torch.autograd.gradcheck(mix, (double(2, 3, 5), double(2, 3, 5), double(1)[0], double(1)[0]))
    angles = RotaryTable(7, 4).at(torch.arange(7), torch.float64)
    assert torch.autograd.gradcheck(lambda heads: rotate(heads, *angles), (double(2, 7, 3, 4),))


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.bfloat16, 1e-2)])
def test_rms_norm_equals_torch(dtype, tolerance):
    torch.manual_seed(0)
    states = (torch.randn(8, 7, 256) * 30).to(dtype).requires_grad_()
    wide = states.detach().double().requires_grad_()
    gradient = torch.randn(8, 7, 256)
    normed, expected = rms_norm(states), F.rms_norm(wide, (256,), eps=1e-6)
    found = torch.autograd.grad(normed, states, gradient.to(dtype))[0]
    wanted = torch.autograd.grad(expected, wide, gradient.double())[0]
    assert (normed.double() - expected).norm() <= tolerance * expected.norm()
    assert (found.double() - wanted).norm() <= tolerance * wanted.norm()


def test_rms_norm_of_zeros_is_zero():
    states = torch.zeros(2, 4, requires_grad=True)
    normed = rms_norm(states)
    normed.sum().backward()
    assert not normed.any() and torch.isfinite(states.grad).all()


def test_rotation_keeps_lengths_and_depends_on_distance_alone():
    table = RotaryTable(64, 8)
    torch.manual_seed(0)
    query, key = torch.randn(8, dtype=torch.float64), torch.randn(8, dtype=torch.float64)
    cosines, sines = table.at(torch.arange(64), torch.float64)  # (1, 64, 1, 8)
    queries = rotate(query.expand(1, 64, 1, 8), cosines, sines)[0, :, 0]
    keys = rotate(key.expand(1, 64, 1, 8), cosines, sines)[0, :, 0]
    assert torch.allclose(queries.norm(dim=-1), query.norm())
    assert torch.allclose(queries[10] @ keys[3], queries[57] @ keys[50])
    assert not torch.allclose(queries[10] @ keys[3], queries[10] @ keys[4])


def test_rotary_angles_are_rounded_only_once():
    table = RotaryTable(2048, 64)
    exact, _ = table.at(torch.arange(2048), torch.float64)
    rounded, _ = table.at(torch.arange(2048), torch.bfloat16)
    assert (rounded.double() - exact).abs().max() <= 2**-8  # an angle of 2000 in bfloat16 would be off by whole turns


def test_tables_first_used_in_inference_mode_can_be_trained_with_later():
    table = RotaryTable(4, 4)
    states = torch.randn(1, 4, 1, 4, requires_grad=True)
    with torch.inference_mode():
        table.at(torch.arange(4), torch.float32)
    rotate(states, *table.at(torch.arange(4), torch.float32)).sum().backward()
    assert states.grad is not None


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_plain_attention_equals_the_fused_kernel(dtype):
    torch.manual_seed(0)
    queries, keys, values = (torch.randn(2, 3, 17, 8, dtype=torch.float64).to(dtype) for _ in range(3))
    wide = F.scaled_dot_product_attention(queries.double(), keys.double(), values.double(), is_causal=True)
    plain = plain_causal_attention(queries, keys, values)
    with torch.no_grad():
        fused = causal_attention(queries, keys, values)
    tolerance = {torch.float64: 1e-12, torch.float32: 1e-5, torch.bfloat16: 3e-2}[dtype]
    assert (plain.double() - wide).abs().max() < tolerance and (fused.double() - wide).abs().max() < tolerance


def test_dropout_keeps_the_mean_and_repeats_under_a_seed():
    states = torch.ones(1000, 101, requires_grad=True)
    torch.manual_seed(3)
    first = dropout(states, 0.1)
    torch.manual_seed(3)
    assert torch.equal(first, dropout(states, 0.1))
    assert not torch.equal(first, dropout(states, 0.1))
    share = (first == 0).float().mean().item()
    assert share == pytest.approx(26 / 256, abs=0.005)
    assert first.mean().item() == pytest.approx(1, abs=0.005)
    first.sum().backward()
    assert torch.equal(states.grad, first.detach())


def test_dropout_is_off_in_evaluation_and_at_zero():
    states = torch.randn(4, 4)
    assert dropout(states, 0.0) is states and Dropout(0.5).eval()(states) is states
    assert VariationalDropout(0.5).eval()(states[None]) is not None
    assert torch.equal(VariationalDropout(0.5).eval()(states[None]), states[None])


def test_variational_dropout_has_one_mask_for_all_steps():
    torch.manual_seed(0)
    out = VariationalDropout(0.5)(torch.ones(3, 7, 32))
    assert torch.equal(out, out[:, :1].expand_as(out)) and 0 < (out == 0).float().mean() < 1
    assert not torch.equal(out[0], out[1])


def test_sizes():
    assert (head_count(256, 0), head_count(128, 0), head_count(16, 0), head_count(96, 3)) == (4, 4, 1, 3)
    with pytest.raises(UsageError, match="not a multiple"):
        check_sizes(100, 3, 16)
    with pytest.raises(UsageError, match="at least 2"):
        check_sizes(64, 2, 1)
