"""Dynamic programming over label sequences: Viterbi, forward-backward, posterior and second-order decoding. Imports no torch.

Every function takes a batch of sequences of any lengths, laid one after the other: `emissions` (N, S) and `starts` (B + 1,),
sequence b being the rows starts[b] to starts[b + 1]. Scores are natural logs; -inf forbids. The public names are loaded when
they are first asked for, so that naming one does not load numba.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hornbook.sequences.chain import Chain as Chain
    from hornbook.sequences.first_order import viterbi as viterbi
    from hornbook.sequences.forward_backward import Posteriors as Posteriors
    from hornbook.sequences.forward_backward import log_partition as log_partition
    from hornbook.sequences.forward_backward import path_scores as path_scores
    from hornbook.sequences.forward_backward import posterior_paths as posterior_paths
    from hornbook.sequences.forward_backward import posteriors as posteriors
    from hornbook.sequences.labels import legal_chain as legal_chain
    from hornbook.sequences.labels import span_scores as span_scores
    from hornbook.sequences.labels import spans_of as spans_of
    from hornbook.sequences.second_order import Candidates as Candidates
    from hornbook.sequences.second_order import viterbi_second_order as viterbi_second_order

_HOMES = {
    "Candidates": "second_order",
    "Chain": "chain",
    "Posteriors": "forward_backward",
    "legal_chain": "labels",
    "log_partition": "forward_backward",
    "path_scores": "forward_backward",
    "posterior_paths": "forward_backward",
    "posteriors": "forward_backward",
    "span_scores": "labels",
    "spans_of": "labels",
    "viterbi": "first_order",
    "viterbi_second_order": "second_order",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
