"""Choosing the next tokens of any language model: sampling with filters, streaming, beam search. NumPy only."""

from hornbook.decoding.beam import Beam, BeamConfig, LengthNormalised, Ranker, beam_search
from hornbook.decoding.choose import Chooser, Greedy, Sampler
from hornbook.decoding.filters import Filter, RepetitionPenalty, Suppress, Temperature, TopK, TopP
from hornbook.decoding.generate import Generation, GenerationConfig, generate, stream
from hornbook.decoding.text import TextStream

__all__ = [
    "Beam",
    "BeamConfig",
    "Chooser",
    "Filter",
    "Generation",
    "GenerationConfig",
    "Greedy",
    "LengthNormalised",
    "Ranker",
    "RepetitionPenalty",
    "Sampler",
    "Suppress",
    "Temperature",
    "TextStream",
    "TopK",
    "TopP",
    "beam_search",
    "generate",
    "stream",
]
