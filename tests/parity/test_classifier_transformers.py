"""Classifiers of ours and of transformers open each other's folders with equal logits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import hornbook
from hornbook.core.errors import ContentError
from hornbook.models.bert import BertConfig
from hornbook.models.bert_modern import ModernBertConfig
from hornbook.models.classifier import NeuralClassifier, over
from hornbook.models.head_configs import ClassifierConfig
from hornbook.models.masked import MaskedLM
from hornbook.tokenizers import TextTokenizer, TokenizerConfig, train_tokenizer

transformers = pytest.importorskip("transformers")
TEXTS = ["the cat sat on the mat", "a dog", "", "on the mat the old dog sat and the cat sat on the old mat"]
LABELS = ["bad", "good", "so-so"]
CONFIGS = {
    "bert": BertConfig(layers=2, width=32, heads=2, context=24, next_sentence=True),
    "roberta": BertConfig(layout="roberta", types=1, layers=2, width=32, heads=2, context=24, epsilon=1e-5),
    "xlm-roberta": BertConfig(layout="xlm-roberta", types=1, layers=2, width=32, heads=2, context=24, epsilon=1e-5),
    "distilbert": BertConfig(layout="distilbert", types=0, layers=2, width=32, heads=2, context=24),
    "modernbert": ModernBertConfig(layers=2, width=32, heads=2, context=24),
}


def small_tokenizer() -> TextTokenizer:
    return train_tokenizer([*TEXTS, "some words of a small text"], TokenizerConfig(kind="wordpiece", size=530))


def classifier(kind: str, config: ClassifierConfig | None = None) -> NeuralClassifier:
    torch.manual_seed(3)
    tokenizer = small_tokenizer()
    model = over(MaskedLM(tokenizer, CONFIGS[kind]), LABELS, config)
    with torch.no_grad():
        for weight in model.module.parameters():
            weight.add_(torch.randn_like(weight) * 0.1)
    model.module.eval()
    return model


def theirs(folder: Path, model: NeuralClassifier) -> np.ndarray:
    network = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    assert [network.config.id2label[number] for number in range(3)] == LABELS
    batch = model.encoder.prepare(TEXTS)
    with torch.no_grad():
        logits = network(input_ids=batch.ids, attention_mask=(batch.documents >= 0).long()).logits
    return logits.double().numpy()


@pytest.mark.parametrize("kind", CONFIGS)
def test_transformers_opens_ours_and_we_open_its(kind: str, tmp_path: Path) -> None:
    model = classifier(kind)
    ours, first, second = model.logits(TEXTS), tmp_path / "ours", tmp_path / "theirs"
    first.mkdir()
    model.save_files(first)
    assert np.abs(theirs(first, model) - ours).max() < 1e-5
    network = transformers.AutoModelForSequenceClassification.from_pretrained(first)
    network.save_pretrained(second)
    model.encoder.tokenizer.save_pretrained(second)
    again = hornbook.load(second)
    assert isinstance(again, NeuralClassifier) and again.labels_ == tuple(LABELS)
    assert np.abs(again.logits(TEXTS) - ours).max() < 1e-6


def test_the_pooler_that_judged_pairs_is_kept() -> None:
    tokenizer = small_tokenizer()
    network = MaskedLM(tokenizer, CONFIGS["bert"])
    model = over(network, LABELS)
    assert torch.equal(model.module.head.get_submodule("pooler").weight, network.module.pooler.weight)


def test_several_labels_have_their_problem_type(tmp_path: Path) -> None:
    model = classifier("bert", ClassifierConfig(kind="multi", thresholds=(0.2, 0.5, 0.9)))
    folder = tmp_path / "m"
    folder.mkdir()
    model.save_files(folder)
    assert transformers.AutoConfig.from_pretrained(folder).problem_type == "multi_label_classification"
    again = NeuralClassifier.load(folder)
    assert again.config == model.config and again(TEXTS) == model(TEXTS)
    (folder / "classifier.json").unlink()
    assert NeuralClassifier.load(folder).config == replace(model.config, thresholds=())


def test_a_folder_without_a_head_is_one_line(tmp_path: Path) -> None:
    tokenizer = small_tokenizer()
    network = MaskedLM(tokenizer, replace(CONFIGS["bert"], next_sentence=False))
    folder = tmp_path / "m"
    folder.mkdir()
    network.save_files(folder)
    with pytest.raises(ContentError, match="no head for labels of texts"):
        NeuralClassifier.load(folder)
