"""How well a masked model guesses hidden tokens of held-out text, and whether the second segment follows the first."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import ContentError
from hornbook.core.types import Tokenizer
from hornbook.scoring.significance import Interval, Units, bootstrap_ratio

if TYPE_CHECKING:
    from torch import Tensor

    from hornbook.corpus.masking import MaskedBatch
    from hornbook.corpus.shards import ShardSplit


@dataclass(frozen=True, eq=False)
class MaskedScore:
    """Guesses of hidden tokens. The arrays have one entry a row of text, the unit of the bootstrap.

    These are no bits per byte: each token is guessed with all the others in sight.
    """

    row_nats: NDArray[np.float64]  # (R,) -log p of the hidden tokens
    row_hits: NDArray[np.float64]  # (R,) how many of them were the likeliest token
    row_hidden: NDArray[np.float64]  # (R,) how many there are
    pair_nats: NDArray[np.float64]  # (P,) -log p(label), empty without the next-sentence head
    pair_hits: NDArray[np.float64]  # (P,)
    seconds: float

    @property
    def units(self) -> Units:
        """Nats and hidden tokens of each row, for paired tests."""
        return Units(self.row_nats, self.row_hidden)

    @property
    def nats(self) -> float:
        """Mean -log p of a hidden token."""
        return self.units.ratio

    @property
    def accuracy(self) -> float:
        """Share of the hidden tokens that were guessed."""
        return Units(self.row_hits, self.row_hidden).ratio

    @property
    def accuracy_ci95(self) -> Interval:
        """Interval under resampling of the rows."""
        return bootstrap_ratio(Units(self.row_hits, self.row_hidden))

    def facts(self) -> dict[str, Any]:
        """Plain values, as `hornbook train --json` and `evaluate --json` print them."""
        table: dict[str, Any] = {
            "masked_accuracy": self.accuracy,
            "masked_accuracy_ci95": self.accuracy_ci95,
            "masked_nats_per_token": self.nats,
            "masked_tokens": int(self.row_hidden.sum()),
        }
        if len(self.pair_nats):
            hits = Units(self.pair_hits, np.ones(len(self.pair_hits)))
            table |= {
                "next_sentence_accuracy": hits.ratio,
                "next_sentence_accuracy_ci95": bootstrap_ratio(hits),
                "next_sentence_nats": float(self.pair_nats.mean()),
                "next_sentence_pairs": len(self.pair_nats),
            }
        return table


def hidden_rows(split: ShardSplit, tokenizer: Tokenizer, *, length: int) -> Iterator[MaskedBatch]:
    """The rows that `masked_accuracy` is measured on everywhere, however a model was trained.

    15 % of single tokens are to be guessed, 80 % of them hidden by the mask token, 10 % by another token, 10 % left as they are
    (Devlin et al. 2019, section 3.1); the same ones at every call.
    """
    from hornbook.corpus.masked_batches import held_out_rows
    from hornbook.corpus.masking import Masking

    return held_out_rows(split, tokenizer, length=length, masking=Masking())


def masked_score(module: Any, batches: Iterable[Any], pairs: Iterable[Any] = ()) -> MaskedScore:
    """Score a network (`core.types.MaskedModule`) on held-out text, and on `pairs` of segments its next-sentence head.

    ContentError when the batches hide nothing.

    The network is measured without dropout and left as it was.
    """
    import torch

    begin = time.perf_counter()
    training = module.training
    module.eval()
    try:
        with torch.inference_mode():
            table = np.concatenate([np.zeros((3, 0)), *(_score_rows(module, batch) for batch in batches)], axis=1)
            pair_nats, pair_hits = np.concatenate([np.zeros((2, 0)), *(_score_pairs(module, batch) for batch in pairs)], axis=1)
    finally:
        module.train(training)
    table = table[:, table[2] > 0]
    if not table.shape[1]:
        raise ContentError("the held-out text is too short to hide a token of it")
    nats, hits, hidden = table
    return MaskedScore(nats, hits, hidden, pair_nats, pair_hits, time.perf_counter() - begin)


def _score_rows(module: Any, batch: Any) -> NDArray[np.float64]:
    """(3, B) nats, hits and hidden tokens of each row."""
    import torch

    from hornbook.layers.cross_entropy import IGNORED
    from hornbook.training.device import on_device

    moved = on_device(batch, module.output_weight.device)
    states = module(moved.inputs, moved.documents, moved.segments)  # (B, T, W)
    count, length, width = states.shape
    flat = moved.targets.reshape(-1)
    places = torch.nonzero(flat != IGNORED).squeeze(1)  # (N,)
    nats, hits = _guesses(module, states.reshape(-1, width)[places], flat[places])
    owners = (places // length).cpu().numpy()  # (N,)
    table = np.stack([np.bincount(owners, weights, count) for weights in (nats, hits, np.ones(len(owners)))])
    return table.astype(np.float64)


def _score_pairs(module: Any, batch: Any) -> NDArray[np.float64]:
    """(2, P) nats and hits of the pairs that have a label; tokens are hidden as in training."""
    import torch

    from hornbook.training.device import on_device

    moved = on_device(batch, module.output_weight.device)
    states = module(moved.inputs, moved.documents, moved.segments)  # (B, T, W)
    scores = torch.log_softmax(module.next_sentence(states[:, 0]).float(), dim=-1)  # (B, 2)
    labelled = moved.labels >= 0
    scores, labels = scores[labelled], moved.labels[labelled]
    nats = -scores.gather(1, labels.unsqueeze(1)).squeeze(1)
    hits = (scores.argmax(-1) == labels).double()
    return torch.stack([nats.double(), hits]).cpu().numpy()


def _guesses(module: Any, states: Tensor, targets: Tensor) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """-log p of every target (N,), and 1 where it was the likeliest token; the logits of few positions exist at a time."""
    import torch

    from hornbook.layers.cross_entropy import chunk_rows, next_logits

    weight, bias = module.output_weight, module.output_bias
    rows = chunk_rows(len(weight), 4)
    nats, hits = np.empty(len(targets)), np.empty(len(targets))
    for start in range(0, len(targets), rows):
        part = slice(start, start + rows)
        logits = next_logits(module.transform(states[part]), weight, bias)  # (R, V)
        picked = logits.gather(1, targets[part].unsqueeze(1)).squeeze(1)
        nats[part] = (torch.logsumexp(logits, dim=-1) - picked).cpu().numpy()
        hits[part] = (logits.argmax(-1) == targets[part]).cpu().numpy()
    return nats, hits
