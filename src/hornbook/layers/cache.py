"""Keys and values kept between the steps of a decoding, for rows of different lengths."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from hornbook.layers.attention import Attend, causal_attention

SPARE = 64  # positions added when the room is used up


class KeyValueCache:
    """Per layer (B, H, room, D) keys and values; row i holds its first `lengths[i]` positions, the rest is unused."""

    def __init__(self, layers: int) -> None:
        self.keys: list[Tensor | None] = [None] * layers
        self.values: list[Tensor | None] = [None] * layers

    def filling(self) -> list[Attend]:
        """For each layer the attention of a whole prefix, (B, T) positions from 0, whose keys and values are kept."""

        def layer(index: int) -> Attend:
            def attend(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
                self.keys[index], self.values[index] = F.pad(keys, (0, 0, 0, SPARE)), F.pad(values, (0, 0, 0, SPARE))
                return causal_attention(queries, keys, values)

            return attend

        return [layer(index) for index in range(len(self.keys))]

    def appending(self, lengths: Tensor) -> list[Attend]:
        """For each layer the attention of one new position a row, written at `lengths` (B,)."""
        rows = torch.arange(len(lengths), device=lengths.device)
        longest = int(lengths.max()) + 1
        visible = torch.arange(longest, device=lengths.device) <= lengths.unsqueeze(1)  # (B, L)
        mask = None if bool(visible.all()) else visible[:, None, None]  # (B, 1, 1, L)

        def layer(index: int) -> Attend:
            def attend(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
                kept_keys, kept_values = self._room(self.keys, index, longest), self._room(self.values, index, longest)
                kept_keys[rows, :, lengths] = keys[:, :, 0]
                kept_values[rows, :, lengths] = values[:, :, 0]
                return F.scaled_dot_product_attention(
                    queries, kept_keys[:, :, :longest], kept_values[:, :, :longest], attn_mask=mask
                )

            return attend

        return [layer(index) for index in range(len(self.keys))]

    def select(self, rows: Tensor, longest: int) -> KeyValueCache:
        """An independent copy of the first `longest` positions of the given rows."""
        copy = KeyValueCache(len(self.keys))
        copy.keys = [None if kept is None else kept[:, :, :longest].index_select(0, rows) for kept in self.keys]
        copy.values = [None if kept is None else kept[:, :, :longest].index_select(0, rows) for kept in self.values]
        return copy

    def put(self, rows: Tensor, other: KeyValueCache, length: int) -> None:
        """Replace the first `length` positions of the given rows by those of a cache that holds just these rows."""
        for mine, theirs in ((self.keys, other.keys), (self.values, other.values)):
            for kept, new in zip(mine, theirs):
                if kept is not None and new is not None:
                    kept[rows, :, :length] = new[:, :, :length]

    @staticmethod
    def _room(tensors: list[Tensor | None], index: int, longest: int) -> Tensor:
        kept = tensors[index]
        assert kept is not None, "filling comes before appending"
        if kept.shape[2] < longest:
            kept = F.pad(kept, (0, 0, 0, longest + SPARE - kept.shape[2]))
            tensors[index] = kept
        return kept
