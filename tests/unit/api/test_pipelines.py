"""`hornbook.pipeline` over every kind of classifier and tagger."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hornbook
from hornbook.core.errors import UsageError
from hornbook.statistical.bayes import LanguageModelClassifier
from hornbook.statistical.crf import CrfConfig, CrfTagger
from hornbook.statistical.hmm_tagger import HmmTagger, TaggerConfig
from hornbook.statistical.linear import LinearClassifier, LinearConfig

TEXTS = ["a fine film", "a good film", "fine and good", "a bad film", "a dull film", "bad and dull"] * 3
LABELS = ["good", "good", "good", "bad", "bad", "bad"] * 3
SENTENCES = [
    ["Anna", "lives", "in", "Oslo", "Fjord", "."],
    ["Oslo", "likes", "Anna", "."],
    ["she", "sees", "Oslo", "Fjord"],
] * 4
TAGS = [["B-PER", "O", "O", "B-LOC", "I-LOC", "O"], ["B-LOC", "O", "B-PER", "O"], ["O", "O", "B-LOC", "I-LOC"]] * 4
RAW = "Anna  lives in Oslo Fjord."


def neural_classifier(kind: str = "single", **more: Any) -> Any:
    import torch

    from hornbook.models.bert import BertConfig
    from hornbook.models.classifier import over
    from hornbook.models.head_configs import ClassifierConfig
    from hornbook.models.masked import MaskedLM
    from hornbook.tokenizers import TokenizerConfig, train_tokenizer

    torch.manual_seed(3)
    tokenizer = train_tokenizer(TEXTS, TokenizerConfig(kind="wordpiece", size=600))
    config = ClassifierConfig(kind=kind, **more)  # type: ignore[arg-type]
    model = over(MaskedLM(tokenizer, BertConfig(layers=1, width=16, heads=2, context=24)), ["bad", "good", "so-so"], config)
    with torch.no_grad():
        for weight in model.module.parameters():
            weight.add_(torch.randn_like(weight) * 0.2)
    return model


def neural_tagger() -> Any:
    import torch

    from hornbook.models.bert import BertConfig
    from hornbook.models.head_configs import TaggerConfig as NeuralConfig
    from hornbook.models.masked import MaskedLM
    from hornbook.models.tagger import NeuralTagger
    from hornbook.models.task_folders import without_head
    from hornbook.tokenizers import TokenizerConfig, train_tokenizer

    torch.manual_seed(2)
    tokenizer = train_tokenizer([" ".join(one) for one in SENTENCES], TokenizerConfig(kind="bpe", size=300))
    body = without_head(MaskedLM(tokenizer, BertConfig(layers=1, width=16, heads=2, context=24)))
    return NeuralTagger(body, ("O", "B-LOC", "I-LOC", "B-PER", "I-PER"), NeuralConfig())


CLASSIFIERS = {
    "linear": lambda: LinearClassifier(LinearConfig(cost=1.0)).fit(TEXTS, LABELS),
    "bayes": lambda: LanguageModelClassifier().fit(TEXTS, LABELS),
    "neural": neural_classifier,
}
TAGGERS = {
    "crf": lambda: CrfTagger(CrfConfig(iterations=30)).fit(SENTENCES, TAGS),
    "hmm": lambda: HmmTagger(TaggerConfig(scheme="bio")).fit(zip(SENTENCES, TAGS)),
    "neural": neural_tagger,
}


@pytest.fixture(scope="module", params=CLASSIFIERS)
def classifier(request: pytest.FixtureRequest) -> Any:
    return CLASSIFIERS[request.param]()


@pytest.fixture(scope="module", params=TAGGERS)
def tagger(request: pytest.FixtureRequest) -> Any:
    return TAGGERS[request.param]()


def test_shapes_of_answers_are_those_of_hugging_face(classifier: Any) -> None:
    ask = hornbook.pipeline("text-classification", classifier)
    one = ask("a fine film")
    assert len(one) == 1 and set(one[0]) == {"label", "score"} and type(one[0]["score"]) is float
    assert ask(["a fine film", "a dull film"])[0] == pytest.approx(one[0])
    best = ask("a fine film", top_k=2)
    assert [set(record) for record in best] == [{"label", "score"}] * 2 and best[0]["score"] >= best[1]["score"]
    everything = ask(["a fine film", "bad"], top_k=None)
    assert [len(records) for records in everything] == [len(classifier.labels_)] * 2
    assert sum(record["score"] for record in everything[1]) == pytest.approx(1)
    always = hornbook.pipeline("sentiment-analysis", classifier, top_k=1)
    assert always("a fine film") == [ask(["a fine film"], top_k=1)[0]] or len(always("a fine film")[0]) == 1
    pair = ask({"text": "a fine film", "text_pair": "a bad one"})
    assert set(pair) == {"label", "score"}
    assert ask([{"text": "a fine film", "text_pair": "a bad one"}]) == [pytest.approx(pair)]
    assert ask([]) == []


def test_the_label_is_the_models_own(classifier: Any) -> None:
    ask = hornbook.pipeline("text-classification", classifier, batch_size=4)
    assert [record["label"] for record in ask(TEXTS)] == classifier(TEXTS)
    table = classifier.predict_proba(TEXTS)
    np.testing.assert_allclose([record["score"] for record in ask(TEXTS)], table.max(axis=1), atol=1e-6)


def test_an_empty_text_gets_the_answer_to_no_words(classifier: Any) -> None:
    ask = hornbook.pipeline("text-classification", classifier)
    assert ask("")[0]["label"] == classifier([""])[0]
    assert ask(["", "  "])[0]["label"] == classifier([""])[0]


def test_streams_are_read_in_batches_in_order(classifier: Any) -> None:
    ask = hornbook.pipeline("text-classification", classifier, batch_size=3)
    read: list[int] = []

    def texts() -> Iterator[str]:
        for number, text in enumerate(TEXTS):
            read.append(number)
            yield text

    answers = ask(texts())
    assert not read
    first = next(answers)
    assert len(read) == 3
    assert [record["label"] for record in [first, *answers]] == classifier(TEXTS)


@pytest.mark.parametrize("wrong", [3, None, b"bytes", ["a", "b"], {"label": "x"}, {"text": 4}, {"text": "a", "text_pair": 1}])
def test_a_wrong_input_is_named_after_those_before_it(classifier: Any, wrong: Any) -> None:
    ask = hornbook.pipeline("text-classification", classifier)
    with pytest.raises(TypeError, match="input 2 is"):
        ask(["a", "b", wrong])
    answers = ask(one for one in ["a", "b", wrong])
    assert next(answers) and next(answers)
    with pytest.raises(TypeError, match="input 2 is"):
        next(answers)


def test_functions_of_the_outputs() -> None:
    model = neural_classifier()
    ask = hornbook.pipeline("text-classification", model, top_k=None)
    logits = model.logits(["a film"])[0]

    def scores(name: str) -> list[float]:
        found = {record["label"]: record["score"] for record in ask(["a film"], function_to_apply=name)[0]}
        return [found[label] for label in model.labels_]

    np.testing.assert_allclose(scores("none"), logits, atol=1e-5)
    np.testing.assert_allclose(scores("sigmoid"), 1 / (1 + np.exp(-logits)), atol=1e-6)
    np.testing.assert_allclose(scores("softmax"), scores("default"), atol=1e-6)
    with pytest.raises(UsageError, match="probabilities alone"):
        hornbook.pipeline("text-classification", CLASSIFIERS["linear"](), function_to_apply="sigmoid")


def test_stored_thresholds_decide_and_several_labels_score_by_themselves() -> None:
    model = neural_classifier(costs=((0.0, 1.0, 1.0), (50.0, 0.0, 50.0), (50.0, 50.0, 0.0)))
    ask = hornbook.pipeline("text-classification", model)
    assert [record["label"] for record in ask(TEXTS[:6])] == model(TEXTS[:6])
    several = neural_classifier("multi")
    found = hornbook.pipeline("text-classification", several)(["a film"], top_k=None)[0]
    row = several.predict_proba(["a film"])[0]
    assert sorted(record["score"] for record in found) == pytest.approx(sorted(row.tolist()))
    assert hornbook.pipeline("text-classification", several)("a film")[0]["score"] == pytest.approx(row.max())


def test_entities_slice_the_raw_text(tagger: Any) -> None:
    ask = hornbook.pipeline("ner", tagger)
    for record in ask(RAW):
        assert list(record) == ["entity", "score", "index", "word", "start", "end"]
        assert RAW[record["start"] : record["end"]] == record["word"] and record["entity"] != "O"
    everything = ask(RAW, ignore_labels=[])
    assert [record["word"] for record in everything] == ["Anna", "lives", "in", "Oslo", "Fjord", "."]
    assert [record["index"] for record in everything] == [1, 2, 3, 4, 5, 6]
    assert [record["entity"] for record in everything] == tagger([["Anna", "lives", "in", "Oslo", "Fjord", "."]])[0]
    for record in ask(RAW, aggregation_strategy="simple"):
        assert list(record) == ["entity_group", "score", "word", "start", "end"]
        assert RAW[record["start"] : record["end"]] == record["word"]
    assert ask("") == ask(" \n") == [] and ask(["", RAW])[1] == ask(RAW)
    assert ask(["a \ud800 b"])[0] is not None


def test_spans_of_taggers_that_learned() -> None:
    for name in ("crf", "hmm"):
        ask = hornbook.pipeline("token-classification", TAGGERS[name](), aggregation_strategy="simple")
        found = ask([RAW])[0]
        assert [(one["entity_group"], one["word"]) for one in found] == [("PER", "Anna"), ("LOC", "Oslo Fjord")]
        if name == "crf":
            assert all(0.5 < one["score"] <= 1 for one in found)
            assert ask([RAW], ignore_labels=["PER"])[0] == found[1:]
        else:
            assert [one["score"] for one in found] == [None, None]


def test_labels_without_a_scheme_are_grouped_where_they_repeat() -> None:
    tagger = HmmTagger(TaggerConfig(scheme="none")).fit(
        [(["the", "cat", "sat"], ["D", "N", "V"]), (["a", "b"], ["N", "N"])] * 3
    )
    found = hornbook.pipeline("ner", tagger, aggregation_strategy="simple")("the cat cat sat")
    assert [(one["entity_group"], one["word"]) for one in found] == [("D", "the"), ("N", "cat cat"), ("V", "sat")]


def test_errors_are_one_line_that_helps(tmp_path: Path) -> None:
    linear = CLASSIFIERS["linear"]()
    with pytest.raises(UsageError, match="Did you mean text-classification"):
        hornbook.pipeline("text-clasification", linear)
    with pytest.raises(UsageError, match="ask for 'text-classification', not 'ner'"):
        hornbook.pipeline("ner", linear)
    with pytest.raises(UsageError, match="ask for 'token-classification'"):
        hornbook.pipeline("sentiment-analysis", TAGGERS["hmm"]())
    with pytest.raises(UsageError, match="asks classifiers and taggers"):
        hornbook.pipeline("ner", object())
    with pytest.raises(UsageError, match="does not exist"):
        hornbook.pipeline("ner", tmp_path / "none")
    with pytest.raises(UsageError, match="takes no topk. Did you mean top_k"):
        hornbook.pipeline("text-classification", linear, topk=3)
    with pytest.raises(UsageError, match="Did you mean softmax"):
        hornbook.pipeline("text-classification", linear, function_to_apply="softmx")
    with pytest.raises(UsageError, match="top_k = 0"):
        hornbook.pipeline("text-classification", linear)("a", top_k=0)
    with pytest.raises(UsageError, match="batch_size"):
        hornbook.pipeline("text-classification", linear, batch_size=0)
    with pytest.raises(TypeError, match="the input is int"):
        hornbook.pipeline("text-classification", linear)(3)


def test_a_folder_opens(tmp_path: Path) -> None:
    model = CLASSIFIERS["linear"]()
    model.save_files(tmp_path)
    for where in (tmp_path, str(tmp_path)):
        assert hornbook.pipeline("text-classification", where, device="cpu")("a fine film")[0]["label"] == "good"


def test_importing_hornbook_loads_neither_torch_nor_numba() -> None:
    code = "import sys, hornbook; hornbook.pipeline; hornbook.TextClassifier; "
    code += "sys.exit(bool({'torch', 'numba'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
