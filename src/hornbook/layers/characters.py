"""What a word looks like: filters over its characters, the largest answer of each (Ma and Hovy 2016, section 2.1)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hornbook.layers.dropout import Dropout

_EMBEDDING = 32
_REACH = 3  # characters that a filter sees


class CharacterFilters(nn.Module):
    """Characters of words (..., C), 0 behind the end of a word, as features (..., `width`)."""

    def __init__(self, alphabet: int, width: int, *, dropout: float) -> None:
        super().__init__()
        self.embedding = nn.Embedding(alphabet, _EMBEDDING)
        self.filters = nn.Conv1d(_EMBEDDING, width, _REACH, padding=_REACH - 1)
        self.dropout = Dropout(dropout)
        bound = (3.0 / _EMBEDDING) ** 0.5
        nn.init.uniform_(self.embedding.weight, -bound, bound)

    def forward(self, characters: Tensor) -> Tensor:
        """(N, C) int64 -> (N, width)."""
        inside = characters > 0  # (N, C)
        states = self.dropout(self.embedding(characters)) * inside.unsqueeze(2)  # (N, C, E): zeros behind the end
        answers = self.filters(states.transpose(1, 2))  # (N, width, C + 2): every filter also sees the edges of a word
        seen = F.pad(inside, (0, _REACH - 1)) | F.pad(inside, (_REACH - 1, 0))  # (N, C + 2)
        low = torch.finfo(answers.dtype).min
        features: Tensor = answers.masked_fill(~seen.unsqueeze(1), low).amax(dim=2) * inside.any(dim=1, keepdim=True)
        return features
