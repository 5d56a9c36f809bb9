"""What a model is worth and what it costs: bits per byte, cloze accuracy, time and size, with intervals and paired tests."""

from hornbook.scoring.lm import LanguageScore, bits_per_byte
from hornbook.scoring.significance import (
    Difference,
    Interval,
    Ranked,
    Units,
    bonferroni,
    bootstrap_ratio,
    multiple_comparisons,
    paired_bootstrap,
    rank_with_ties,
)

__all__ = [
    "Difference",
    "Interval",
    "LanguageScore",
    "Ranked",
    "Units",
    "bits_per_byte",
    "bonferroni",
    "bootstrap_ratio",
    "multiple_comparisons",
    "paired_bootstrap",
    "rank_with_ties",
]
