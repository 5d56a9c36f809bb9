"""Taggers are transformers' ForTokenClassification: folders open on both sides, logits and the pipeline's answers are equal."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from hornbook.models.bert import BertConfig
from hornbook.models.head_configs import TaggerConfig
from hornbook.models.masked import MaskedLM
from hornbook.models.tagger import NeuralTagger
from hornbook.models.tagger_files import ARCHITECTURES
from hornbook.models.task_folders import without_head
from hornbook.tokenizers import TokenizerConfig, train_tokenizer

transformers = pytest.importorskip("transformers")

TEXTS = ["the cat sat on the mat and the dog sat on the cat", "a dog and a cat and a mat", "mats are for cats and dogs"]
LABELS = ("O", "B-A", "I-A", "B-B", "I-B")
OURS = {
    "bert": BertConfig(layers=2, width=32, heads=2, context=32, next_sentence=True),
    "roberta": BertConfig(layers=2, width=32, heads=2, context=32, types=1, layout="roberta"),
    "xlm-roberta": BertConfig(layers=1, width=32, heads=2, context=32, types=1, layout="xlm-roberta"),
    "distilbert": BertConfig(layers=2, width=32, heads=2, context=32, types=0, layout="distilbert"),
}


def made(kind: str, decoder: str = "crf") -> NeuralTagger:
    torch.manual_seed(2)
    model = MaskedLM(train_tokenizer(TEXTS, TokenizerConfig(kind="bpe", size=300)), OURS[kind])
    tagger = NeuralTagger(without_head(model), LABELS, TaggerConfig(decoder=decoder))
    with torch.no_grad():
        for weight in tagger.module.parameters():
            weight.add_(torch.randn_like(weight) * 0.1)
    return tagger


@pytest.mark.parametrize("kind", OURS)
def test_transformers_opens_ours_with_equal_logits_and_labels(kind: str, tmp_path: Path) -> None:
    tagger = made(kind)
    tagger.save_files(tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["architectures"] == [ARCHITECTURES[kind]]
    theirs, info = transformers.AutoModelForTokenClassification.from_pretrained(tmp_path, output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"] and not info["mismatched_keys"]
    theirs.eval()
    assert [theirs.config.id2label[k] for k in range(len(LABELS))] == list(LABELS)
    assert theirs.config.label2id == {label: k for k, label in enumerate(LABELS)}
    batch = tagger.encoder.prepare(TEXTS)
    with torch.no_grad():
        logits = theirs(input_ids=batch.ids, attention_mask=(batch.documents >= 0).long()).logits
        words = [
            [(m, m + len(w)) for w, m in zip(text.split(), np.cumsum([0, *[len(w) + 1 for w in text.split()[:-1]]]))]
            for text in TEXTS
        ]
        ours, starts = tagger.emissions(list(zip(TEXTS, words)))
    for row, (text, spans) in enumerate(zip(TEXTS, words)):
        assert batch.offsets is not None
        offsets = batch.offsets[row]
        for number, (first, last) in enumerate(spans):
            place = next(k for k, (a, b) in enumerate(offsets) if b > first and a < last)
            torch.testing.assert_close(ours[starts[row] + number], logits[row, place], atol=1e-5, rtol=1e-5)
        assert text


@pytest.mark.parametrize("kind", OURS)
def test_theirs_open_here(kind: str, tmp_path: Path) -> None:
    tagger = made(kind, "tokens")
    tagger.save_files(tmp_path)
    theirs = transformers.AutoModelForTokenClassification.from_pretrained(tmp_path)
    other = tmp_path / "theirs"
    theirs.save_pretrained(other)
    tagger.encoder.tokenizer.save_pretrained(other)
    opened = NeuralTagger.load(other)
    assert opened.labels_ == LABELS and opened.config.scheme == "bio" and opened.config.decoder == "tokens"
    sentences = [text.split() for text in TEXTS]
    assert opened(sentences) == tagger(sentences)
