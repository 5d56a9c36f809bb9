"""Labels of words: the word segmenter and the taggers. They learn from labelled sentences, so no race of texts runs them."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType

from hornbook.recipes import Recipe
from hornbook.statistical.crf import CrfConfig
from hornbook.statistical.hmm_segmenter import SegmenterConfig
from hornbook.statistical.hmm_tagger import TaggerConfig


@dataclass(frozen=True)
class SegmenterRecipe:
    """Configuration of the word segmenter."""

    model: SegmenterConfig = field(default_factory=SegmenterConfig)


@dataclass(frozen=True)
class HmmTaggerRecipe:
    """Configuration of the hidden Markov tagger."""

    model: TaggerConfig = field(default_factory=TaggerConfig)


@dataclass(frozen=True)
class CrfTaggerRecipe:
    """Configuration of the conditional random field."""

    model: CrfConfig = field(default_factory=CrfConfig)


SEGMENTER = Recipe(
    name="segmenter",
    title="Chinese word segmenter",
    generation=2,
    model="hornbook.statistical.hmm_segmenter:HmmSegmenter",
    styles=MappingProxyType({"classic": SegmenterRecipe()}),
    reads="segmented",
)
HMM_TAGGER = Recipe(
    name="hmm-tagger",
    title="Hidden Markov tagger",
    generation=2,
    model="hornbook.statistical.hmm_tagger:HmmTagger",
    styles=MappingProxyType({"classic": HmmTaggerRecipe()}),
    reads="labelled",
)
CRF_TAGGER = Recipe(
    name="crf-tagger",
    title="Conditional random field tagger",
    generation=2,
    model="hornbook.statistical.crf:CrfTagger",
    styles=MappingProxyType({"classic": CrfTaggerRecipe()}),
    reads="labelled",
)
TAGGERS = MappingProxyType({"hmm": HMM_TAGGER, "crf": CRF_TAGGER})
