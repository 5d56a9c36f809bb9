"""A linear-chain conditional random field over scores of a network (Lafferty et al. 2001; Lample et al. 2016, section 2.2).

Sentences are laid one after the other: emissions (N, L) and `starts` (B + 1,), sentence b being the rows starts[b] to
starts[b + 1]. On a CPU likelihood and gradient come from one compiled pass forward and back; elsewhere torch takes a step a
position for all sentences at once.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from hornbook.sequences.chain import Chain

_NEVER = -1e30  # stands for -inf where an infinity would give gradients that are no numbers


class LinearChain(nn.Module):
    """Scores of neighbouring labels, of a first and of a last one, all learned; what `rules` forbid has probability 0."""

    transition_rules: Tensor
    start_rules: Tensor
    end_rules: Tensor

    def __init__(self, rules: Chain) -> None:
        super().__init__()
        self.transition = nn.Parameter(torch.zeros(rules.states, rules.states))  # (L, L) from row to column
        self.start = nn.Parameter(torch.zeros(rules.states))
        self.end = nn.Parameter(torch.zeros(rules.states))
        for name, array in (("transition", rules.transition), ("start", rules.start), ("end", rules.end)):
            self.register_buffer(f"{name}_rules", torch.from_numpy(array > -np.inf), persistent=False)

    def loss(self, emissions: Tensor, starts: NDArray[np.int64], targets: Tensor) -> Tensor:
        """Negative log-likelihood of the targets (N,), summed over the sentences; emissions (N, L) are scores in nats.

        Infinite where a target is forbidden.
        """
        wide = emissions if emissions.dtype == torch.float64 else emissions.float()
        tables = [getattr(self, name).to(wide.dtype) for name in ("transition", "start", "end")]
        if wide.device.type == "cpu":
            return cast(Tensor, _Likelihood.apply(wide, *tables, starts, targets, self._rules()))  # type: ignore[no-untyped-call]
        transition, start, end = map(self._permitted, ("transition", "start", "end"), tables)
        return likelihood_by_steps(wide, transition, start, end, starts, targets)

    def decode(self, emissions: Tensor, starts: NDArray[np.int64]) -> NDArray[np.int32]:
        """(N,) the most probable permitted labels of every sentence."""
        from hornbook.sequences import viterbi

        return viterbi(_on_host(emissions), starts, self.chain(), threads=torch.get_num_threads())[0]

    def marginals(self, emissions: Tensor, starts: NDArray[np.int64]) -> NDArray[np.float64]:
        """(N, L) the probability of each label at each place, given all emissions of its sentence."""
        from hornbook.sequences import posteriors

        return posteriors(_on_host(emissions), starts, self.chain(), threads=torch.get_num_threads()).marginals

    def chain(self) -> Chain:
        """What was learned and what is forbidden, on the host."""
        return Chain(*(_on_host(table) for table in (self.transition, self.start, self.end))) + self._rules()

    def _rules(self) -> Chain:
        tables = (self.transition_rules, self.start_rules, self.end_rules)
        return Chain(*(np.where(table.cpu().numpy(), 0.0, -np.inf) for table in tables))

    def _permitted(self, name: str, table: Tensor) -> Tensor:
        return table.masked_fill(~getattr(self, f"{name}_rules"), _NEVER)


class Independent(nn.Module):
    """Every label by itself, without a chain to learn; only in decoding do the rules hold."""

    def __init__(self, rules: Chain) -> None:
        super().__init__()
        self.rules = rules

    def loss(self, emissions: Tensor, starts: NDArray[np.int64], targets: Tensor) -> Tensor:
        """Cross-entropy with the targets (N,), summed; emissions (N, L) are logits."""
        wide = emissions if emissions.dtype == torch.float64 else emissions.float()
        return F.cross_entropy(wide, targets, reduction="sum")

    def decode(self, emissions: Tensor, starts: NDArray[np.int64]) -> NDArray[np.int32]:
        """(N,) the permitted labels with the largest sum of emissions in every sentence."""
        from hornbook.sequences import viterbi

        return viterbi(_on_host(emissions), starts, self.rules, threads=torch.get_num_threads())[0]

    def marginals(self, emissions: Tensor, starts: NDArray[np.int64]) -> NDArray[np.float64]:
        """(N, L) the probability of each label at each place."""
        return _on_host(emissions.double().softmax(dim=-1))


def _on_host(scores: Tensor) -> NDArray[Any]:
    detached = scores.detach()
    return (detached if detached.dtype == torch.float64 else detached.float()).cpu().numpy()


class _Likelihood(torch.autograd.Function):
    """The sum of -log p(targets): its gradient is what the model expects less what is there (Sutton and McCallum 2012, 5.1)."""

    @staticmethod
    def forward(
        ctx: Any,
        emissions: Tensor,
        transition: Tensor,
        start: Tensor,
        end: Tensor,
        starts: NDArray[np.int64],
        targets: Tensor,
        rules: Chain,
    ) -> Tensor:
        from hornbook.sequences import path_scores, posteriors

        chain = Chain(*(table.detach().numpy() for table in (transition, start, end))) + rules
        scores, gold = emissions.detach().numpy(), targets.numpy()
        found = posteriors(scores, starts, chain, threads=torch.get_num_threads())
        total = float((found.log_partition - path_scores(scores, starts, chain, gold)).sum())
        filled = starts[:-1] < starts[1:]
        heads, tails = starts[:-1][filled], starts[1:][filled] - 1
        excess = found.marginals  # (N, L)
        excess[np.arange(len(gold)), gold] -= 1.0
        inner = np.ones(len(gold), dtype=np.bool_)
        inner[heads] = False
        after = np.flatnonzero(inner)
        pairs = np.bincount(gold[after - 1] * chain.states + gold[after], minlength=chain.states**2).reshape(chain.states, -1)
        gradients = (excess, found.transitions - pairs, excess[heads].sum(0), excess[tails].sum(0))
        ctx.save_for_backward(*(torch.from_numpy(array).to(emissions.dtype) for array in gradients))
        return emissions.new_tensor(total)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        return *(saved * gradients[0] for saved in ctx.saved_tensors), None, None, None


def likelihood_by_steps(
    emissions: Tensor, transition: Tensor, start: Tensor, end: Tensor, starts: NDArray[np.int64], targets: Tensor
) -> Tensor:
    """The same number by a step a position, on any device; forbidden moves have scores around -1e30."""
    device = emissions.device
    offsets = torch.from_numpy(starts).to(device)
    offsets, lengths = offsets[:-1], offsets.diff()
    offsets, lengths = offsets[lengths > 0], lengths[lengths > 0]
    if not len(lengths):
        return emissions.sum()
    steps = torch.arange(int(lengths.max()), device=device)  # (T,)
    places = offsets + torch.minimum(steps.unsqueeze(1), lengths - 1)  # (T, B)
    scores = emissions[places]  # (T, B, L)
    inside = steps.unsqueeze(1) < lengths  # (T, B)
    forward = start + scores[0]  # (B, L)
    for step in range(1, len(steps)):
        following = torch.logsumexp(forward.unsqueeze(2) + transition, dim=1) + scores[step]
        forward = torch.where(inside[step].unsqueeze(1), following, forward)
    partition = torch.logsumexp(forward + end, dim=1)  # (B,)
    gold = targets[places]  # (T, B)
    moves = torch.where(inside[1:], transition[gold[:-1], gold[1:]], 0.0).sum()
    return partition.sum() - (
        emissions.gather(1, targets.unsqueeze(1)).sum() + moves + start[gold[0]].sum() + end[gold[-1]].sum()
    )
