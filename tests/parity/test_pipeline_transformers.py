"""The same folder asked by transformers.pipeline and by hornbook.pipeline: the same shapes, labels and scores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import hornbook
from hornbook.models.bert import BertConfig
from hornbook.models.classifier import over
from hornbook.models.head_configs import ClassifierConfig, TaggerConfig
from hornbook.models.masked import MaskedLM
from hornbook.models.tagger import NeuralTagger
from hornbook.models.task_folders import without_head
from hornbook.tokenizers import TokenizerConfig, train_tokenizer

transformers = pytest.importorskip("transformers")

TEXTS = ["the cat sat on the mat", "a dog", "", "on the mat the old dog sat and the cat sat", "dogs do not sit"]
CALLS: list[tuple[Any, dict[str, Any]]] = [
    (TEXTS[0], {}),
    (TEXTS, {}),
    (TEXTS[0], {"top_k": 2}),
    (TEXTS[0], {"top_k": None}),
    (TEXTS, {"top_k": None}),
    (TEXTS[:1], {"top_k": 1}),
    (TEXTS, {"function_to_apply": "sigmoid", "top_k": None}),
    (TEXTS, {"function_to_apply": "none", "top_k": 1}),
    ({"text": TEXTS[0], "text_pair": TEXTS[1]}, {}),
    ([{"text": TEXTS[0], "text_pair": TEXTS[1]}], {}),
    ([{"text": TEXTS[0], "text_pair": TEXTS[1]}], {"top_k": 3}),
]


def noisy(module: torch.nn.Module) -> None:
    with torch.no_grad():
        for weight in module.parameters():
            weight.add_(torch.randn_like(weight) * 0.1)


@pytest.fixture(scope="module", params=["single", "multi"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(3)
    tokenizer = train_tokenizer(TEXTS, TokenizerConfig(kind="wordpiece", size=530))
    body = MaskedLM(tokenizer, BertConfig(layers=2, width=32, heads=2, context=48, next_sentence=True))
    model = over(body, ["bad", "good", "so-so"], ClassifierConfig(kind=request.param))
    noisy(model.module)
    path: Path = tmp_path_factory.mktemp(request.param)
    model.save_files(path)
    return path


def same(ours: Any, theirs: Any) -> None:
    assert type(ours) is type(theirs)
    if isinstance(theirs, list):
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs):
            same(one, other)
    else:
        assert set(ours) == set(theirs)
        for name, value in theirs.items():
            if name == "score":
                assert ours[name] == pytest.approx(float(value), abs=1e-5)
            else:
                assert ours[name] == value


@pytest.mark.parametrize("number", range(len(CALLS)))
def test_text_classification(folder: Path, number: int) -> None:
    inputs, settings = CALLS[number]
    theirs = transformers.pipeline("text-classification", model=str(folder), device="cpu")
    same(hornbook.pipeline("text-classification", folder)(inputs, **settings), theirs(inputs, **settings))


@pytest.mark.parametrize("top", [1, 2, None])
def test_settings_of_the_pipeline_itself(folder: Path, top: int | None) -> None:
    theirs = transformers.pipeline("sentiment-analysis", model=str(folder), device="cpu", top_k=top)
    ours = hornbook.pipeline("sentiment-analysis", folder, top_k=top)
    same(ours(TEXTS[0]), theirs(TEXTS[0]))
    same(ours(TEXTS), theirs(TEXTS))
    same(list(ours(one for one in TEXTS)), list(theirs(one for one in TEXTS)))


SENTENCES = ["the cat sat on the mat and the dog sat", "a dog and a cat", "the mat", ""]


@pytest.mark.parametrize("strategy", ["none", "simple", "first", "average", "max"])
def test_token_classification(tmp_path: Path, strategy: str) -> None:
    """Labels without a scheme of spans: nothing is illegal, so the best label of each word is the answer on both sides.

    Every word is one token here. Where words are cut into pieces, transformers labels pieces, and we words.
    """
    torch.manual_seed(5)
    words = sorted({word for text in SENTENCES for word in text.split()})
    tokenizer = train_tokenizer([" ".join(words * 20), *words * 20], TokenizerConfig(kind="wordpiece", size=800))
    assert all(len(tokenizer.encode(text)) == len(text.split()) for text in SENTENCES)
    body = without_head(MaskedLM(tokenizer, BertConfig(layers=2, width=32, heads=2, context=48)))
    tagger = NeuralTagger(body, ("O", "A", "C"), TaggerConfig(decoder="tokens", scheme="none"))
    noisy(tagger.module)
    noisy(tagger.module.classifier)
    tagger.save_files(tmp_path)
    theirs = transformers.pipeline("token-classification", model=str(tmp_path), device="cpu", aggregation_strategy=strategy)
    ours = hornbook.pipeline("ner", tmp_path, aggregation_strategy=strategy)
    answers = ours(SENTENCES)
    assert any(answers)
    for text, found, wanted in zip(SENTENCES, answers, theirs(SENTENCES), strict=True):
        for one in wanted:  # theirs is the token's spelling with the blank before it, ours the text of the word itself
            spelled = text[one["start"] : one["end"]]
            one["start"] += len(spelled) - len(spelled.lstrip())
            one["word"] = spelled.lstrip()
        same(found, wanted)
