"""What a model is worth and what it costs: bits per byte, cloze accuracy, time and size, with intervals and paired tests."""

from hornbook.scoring.cloze import ClozeItem, ClozeScore, build_cloze, cloze_accuracy, cloze_with, load_cloze, save_cloze
from hornbook.scoring.cost import Cost, Latency, folder_size_mb, measure_cost, measure_latency
from hornbook.scoring.lm import LanguageScore, bits_per_byte, same_units
from hornbook.scoring.sample import shorten
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
from hornbook.scoring.words import TokenWords

__all__ = [
    "ClozeItem",
    "ClozeScore",
    "Cost",
    "Difference",
    "Interval",
    "LanguageScore",
    "Latency",
    "Ranked",
    "TokenWords",
    "Units",
    "bits_per_byte",
    "bonferroni",
    "bootstrap_ratio",
    "build_cloze",
    "cloze_accuracy",
    "cloze_with",
    "folder_size_mb",
    "load_cloze",
    "measure_cost",
    "measure_latency",
    "multiple_comparisons",
    "paired_bootstrap",
    "rank_with_ties",
    "same_units",
    "save_cloze",
    "shorten",
]
