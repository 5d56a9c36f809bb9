"""The one table of what there is: names -> 'module:object', resolved only when used. A new model or task adds a line."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from hornbook.core.errors import UsageError, nearest

MODELS = {  # `model_type` of a saved config.json -> class with `load` and `save_files`
    "hornbook-vectors": "hornbook.embeddings.vectors:WordVectors",
    "hornbook-ngram": "hornbook.statistical:NgramLM",
    "hornbook-ngram-classes": "hornbook.statistical.classes:ClassLM",
    "hornbook-cache": "hornbook.statistical.cache:CacheLM",
    "hornbook-mixture": "hornbook.statistical.mixture:MixtureLM",
    "hornbook-hmm": "hornbook.statistical.hmm:HmmLM",
    "hornbook-hmm-tagger": "hornbook.statistical.hmm_tagger:HmmTagger",
    "hornbook-hmm-segmenter": "hornbook.statistical.hmm_segmenter:HmmSegmenter",
    "hornbook-linear": "hornbook.statistical.linear:LinearClassifier",
    "hornbook-bayes": "hornbook.statistical.bayes:LanguageModelClassifier",
    "hornbook-crf": "hornbook.statistical.crf:CrfTagger",
    "hornbook-phrases": "hornbook.embeddings.phrases:Phrases",
    "hornbook-rnn": "hornbook.models.rnn:RnnLM",
    "hornbook-birnn": "hornbook.models.birnn:BiRnn",
    "gpt2": "hornbook.models.gpt:GptLM",
    "hornbook-gpt": "hornbook.models.gpt:GptLM",
    "llama": "hornbook.models.gpt:GptLM",
    "bert": "hornbook.models.masked:MaskedLM",
    "roberta": "hornbook.models.masked:MaskedLM",
    "xlm-roberta": "hornbook.models.masked:MaskedLM",
    "distilbert": "hornbook.models.masked:MaskedLM",
    "modernbert": "hornbook.models.masked:MaskedLM",
    "hornbook-words": "hornbook.models.word_table:WordTable",
    "hornbook-tagger": "hornbook.models.tagger:NeuralTagger",
    "hornbook-classifier": "hornbook.models.classifier:NeuralClassifier",
}

HEADS = {  # `architectures[0]` of a network of transformers with the head of a task -> class, before its `model_type`
    "BertForTokenClassification": "hornbook.models.tagger:NeuralTagger",
    "RobertaForTokenClassification": "hornbook.models.tagger:NeuralTagger",
    "XLMRobertaForTokenClassification": "hornbook.models.tagger:NeuralTagger",
    "DistilBertForTokenClassification": "hornbook.models.tagger:NeuralTagger",
    "BertForSequenceClassification": "hornbook.models.classifier:NeuralClassifier",
    "RobertaForSequenceClassification": "hornbook.models.classifier:NeuralClassifier",
    "XLMRobertaForSequenceClassification": "hornbook.models.classifier:NeuralClassifier",
    "DistilBertForSequenceClassification": "hornbook.models.classifier:NeuralClassifier",
    "ModernBertForSequenceClassification": "hornbook.models.classifier:NeuralClassifier",
}

RECIPES = {  # name on the command line -> Recipe; the race runs them in this order
    "word2vec": "hornbook.recipes.vectors:WORD2VEC",
    "fasttext": "hornbook.recipes.vectors:FASTTEXT",
    "glove": "hornbook.recipes.vectors:GLOVE",
    "unigram": "hornbook.recipes.ngram:UNIGRAM",
    "ngram": "hornbook.recipes.ngram:NGRAM",
    "hmm": "hornbook.recipes.hmm:HMM",
    "rnn": "hornbook.recipes.rnn:RNN",
    "lstm": "hornbook.recipes.rnn:LSTM",
    "gru": "hornbook.recipes.rnn:GRU",
    "gpt": "hornbook.recipes.gpt:GPT",
    "bert": "hornbook.recipes.masked:BERT",
    "roberta": "hornbook.recipes.masked:ROBERTA",
}

TASKS = {  # name on the command line -> the module whose `train(job, ...)` fine-tunes for it
    "classify": "hornbook.tasks.classify",
    "tag": "hornbook.tasks.tag",
}


def task(name: str) -> Any:
    """The module of a task; UsageError names the nearest."""
    if name not in TASKS:
        raise UsageError("unknown task '{name}'.{hint}", name=name, hint=nearest(name, TASKS))
    return importlib.import_module(TASKS[name])


def model_class(kind: str, *, where: object) -> Any:
    """The class that loads a saved kind; UsageError names the nearest kind."""
    if kind not in MODELS:
        raise UsageError("{where}: no model of kind '{kind}'.{hint}", where=where, kind=kind, hint=nearest(kind, MODELS))
    return _resolve(MODELS[kind])


def class_of(table: Mapping[str, Any], *, where: object) -> Any:
    """The class that loads what a config.json describes; UsageError names the nearest kind, KeyError without `model_type`."""
    architectures = table.get("architectures")
    first = architectures[0] if isinstance(architectures, list) and architectures else None
    return _resolve(HEADS[first]) if first in HEADS else model_class(str(table["model_type"]), where=where)


def recipe(name: str) -> Any:
    """The recipe of a name; UsageError names the nearest."""
    require_recipe(name)
    return _resolve(RECIPES[name])


def require_recipe(name: str) -> None:
    """UsageError, naming the nearest, for a recipe that is not there; loads nothing."""
    if name not in RECIPES:
        raise UsageError("unknown recipe '{name}'.{hint}", name=name, hint=nearest(name, RECIPES))


def _resolve(path: str) -> Any:
    module, name = path.split(":")
    return getattr(importlib.import_module(module), name)
