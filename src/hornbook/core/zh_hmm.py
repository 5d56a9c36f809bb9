"""Chinese for the messages of hidden Markov models, taggers and segmenters."""

from __future__ import annotations

MESSAGES: dict[str, str] = {}
