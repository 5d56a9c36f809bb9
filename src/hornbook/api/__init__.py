"""The public functions, one per verb of the command line, with the same arguments. Heavy libraries load when one is called."""

from hornbook.api.asking import analogy, embed, embed_to_file, export, fill, generate, neighbours, next_words, predict
from hornbook.api.classifying import train_classifier
from hornbook.api.continuing import train_on
from hornbook.api.finetuning import finetune
from hornbook.api.judging import evaluate, race
from hornbook.api.machine import doctor
from hornbook.api.opening import info, load, open_language_model
from hornbook.api.sequences import segment, train_segmenter, train_tagger
from hornbook.api.texts import corpus, silent
from hornbook.api.training import ablate, train

__all__ = [
    "ablate",
    "analogy",
    "corpus",
    "doctor",
    "embed",
    "embed_to_file",
    "evaluate",
    "export",
    "fill",
    "finetune",
    "generate",
    "info",
    "load",
    "neighbours",
    "next_words",
    "open_language_model",
    "predict",
    "race",
    "segment",
    "silent",
    "train",
    "train_classifier",
    "train_on",
    "train_segmenter",
    "train_tagger",
]
