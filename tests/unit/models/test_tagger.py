"""The neural tagger: alignment of words, windows, legal labels, raw texts, saved folders, odd inputs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from hornbook.core import artifact
from hornbook.core.errors import HornbookError, UsageError
from hornbook.corpus.tag_batches import stack, tag_batches
from hornbook.corpus.tag_rows import NO_LABEL, Alphabet, first_tokens, targets_of, windows
from hornbook.models.bert import BertConfig
from hornbook.models.birnn import BiRnn, BiRnnConfig
from hornbook.models.head_configs import TaggerConfig
from hornbook.models.masked import MaskedLM
from hornbook.models.rnn import RnnConfig, RnnLM
from hornbook.models.tagger import NeuralTagger
from hornbook.models.task_folders import without_head
from hornbook.models.word_table import WordTable, WordTableConfig
from hornbook.objectives.tag import tag_loss
from hornbook.sequences.labels import spans_of
from hornbook.tokenizers import TokenizerConfig, train_tokenizer
from hornbook.training import TrainingConfig, train
from hornbook.training.device import on_device

LABELS = ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")
SENTENCES = [
    (("Ann", "Lee", "lives", "in", "New", "Ulm", "."), ("B-PER", "I-PER", "O", "O", "B-LOC", "I-LOC", "O")),
    (("In", "Ulm", "lives", "Bob", "."), ("O", "B-LOC", "O", "B-PER", "O")),
    (("Bob", "Lee", "saw", "Ulm", "."), ("B-PER", "I-PER", "O", "B-LOC", "O")),
    (("Nobody", "lives", "."), ("O", "O", "O")),
]
WORDS = [word for words, _ in SENTENCES for word in words]


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer([" ".join(words) for words, _ in SENTENCES], TokenizerConfig(kind="bpe", size=290))


def made(name: str, tokenizer, **changes) -> NeuralTagger:
    torch.manual_seed(1)
    config = replace(TaggerConfig(dropout=0.0), **changes)
    model = {
        "bert": lambda: without_head(MaskedLM(tokenizer, BertConfig(layers=1, width=32, heads=2, context=40))),
        "narrow": lambda: without_head(MaskedLM(tokenizer, BertConfig(layers=1, width=32, heads=2, context=12))),
        "words": lambda: WordTable.of_words(WORDS, WordTableConfig(width=24)),
        "rnn": lambda: RnnLM(tokenizer, RnnConfig(width=24, layers=1)),
        "birnn": lambda: BiRnn(tokenizer, BiRnnConfig(width=16)),
    }[name]()
    return NeuralTagger(model, LABELS, config, alphabet=Alphabet.of(WORDS).characters if config.characters else "")


CASES = {
    "bert": {},
    "bert tokens": {"decoder": "tokens"},
    "words": {"characters": 16, "recurrent": 16},
    "rnn": {"recurrent": 16},
    "birnn": {"characters": 8},
}


def learned(tagger: NeuralTagger, steps: int = 120) -> NeuralTagger:
    from hornbook.corpus.labelled import joined

    examples = tagger.examples([joined(words) for words, _ in SENTENCES], [labels for _, labels in SENTENCES])
    batches = tag_batches(examples, rows=2, pad=0, seed=1)
    config = TrainingConfig(steps=steps, rows=2, optimizer="adamw", learning_rate=0.01, precision="float32", threads=1)
    list(train(tagger.module, tag_loss, batches, config))
    return tagger


@pytest.mark.parametrize("case", CASES)
def test_it_learns_saves_and_opens(case: str, tokenizer, tmp_path: Path) -> None:
    tagger = learned(made(case.split()[0], tokenizer, **CASES[case]))
    sentences = [words for words, _ in SENTENCES]
    answers = tagger(sentences)
    assert answers == [list(labels) for _, labels in SENTENCES]
    with artifact.writing(tmp_path / "model") as folder:
        tagger.save_files(folder)
    again = NeuralTagger.load(tmp_path / "model")
    assert again.labels_ == tagger.labels_ and again.config == tagger.config
    assert again(sentences) == answers
    for mine, theirs in zip(again.predict_marginals(sentences), tagger.predict_marginals(sentences)):
        np.testing.assert_allclose(mine, theirs, atol=1e-6)
        np.testing.assert_allclose(mine.sum(1), 1, atol=1e-6)
    text = "Ann Lee lives in New Ulm ."
    spans = again.tag_texts([text, "", " \n"])
    assert [(text[a:b], kind) for a, b, kind, _ in spans[0]] == [("Ann Lee", "PER"), ("New Ulm", "LOC")]
    assert spans[1:] == [[], []]


def test_one_by_one_is_as_all_together(tokenizer) -> None:
    for case, changes in CASES.items():
        tagger = made(case.split()[0], tokenizer, **changes)
        sentences = [words for words, _ in SENTENCES] + [[], ["Ann"] * 9]
        together = tagger.predict_marginals(sentences)
        for sentence, marginals in zip(sentences, together):
            assert marginals.shape == (len(sentence), len(LABELS))
            np.testing.assert_allclose(tagger.predict_marginals([sentence])[0], marginals, atol=1e-5)


def test_words_begin_with_their_first_token(tokenizer) -> None:
    text = "Ann Leelives  in\u00a0Ulm."
    words = np.array([[0, 3], [4, 7], [7, 12], [14, 16], [17, 20], [20, 21]])
    _, tokens = tokenizer.encode_with_offsets([text])[0]
    places = first_tokens(words, tokens)
    for (first, last), place in zip(words, places):
        assert tokens[place][0] < last and tokens[place][1] > first
        assert place == 0 or tokens[place - 1][1] <= max(first, tokens[place][0])
    assert first_tokens(np.array([[5, 6]]), np.array([[0, 3], [7, 9]])).tolist() == [0]
    with pytest.raises(ValueError, match="no token"):
        first_tokens(words, tokens[:0])


def test_every_word_is_answered_for_by_one_window() -> None:
    ids = np.arange(100)
    places = np.flatnonzero(np.random.default_rng(1).random(100) < 0.4)
    for room in (1, 3, 4, 7, 16, 99, 100):
        rows = windows(ids, places, room=room, text=0)
        owned = [word for row in rows for word in range(*row.own)]
        assert owned == list(range(len(places))), room
        for row in rows:
            assert len(row.ids) <= room
            assert (row.ids[row.places] == places[slice(*row.words)]).all()
            if room >= 16:  # what a window answers for stands an eighth of it from its inner edges
                own = places[slice(*row.own)]
                assert row.ids[0] == 0 or own[0] >= row.ids[0] + room // 8
                assert row.ids[-1] == 99 or own[-1] < row.ids[-1] + 1 - room // 8


def test_a_later_window_leaves_the_rest_of_a_span_to_the_one_before() -> None:
    labels = np.array([0, 3, 4, 4, 4, 4, 4, 0, 1, 0])
    rows = windows(np.arange(10), np.arange(10), room=6, text=0)
    continuing = np.array([False, False, True, False, True])
    targets = [targets_of(row, labels, continuing).tolist() for row in rows]
    assert [len(one) for one in targets] == [len(row.places) for row in rows]
    first = [[label for label in one if label != NO_LABEL][:1] for one in targets]
    assert all(not continuing[one[0]] for one in first if one)


def test_long_texts_are_read_to_their_end(tokenizer) -> None:
    tagger = learned(made("narrow", tokenizer))
    words, _ = SENTENCES[0]
    long = [*(["lives", "in", "."] * 60), *words]
    answer = tagger([long])[0]
    assert len(answer) == len(long)
    spans = [(long[a:b], kind) for a, b, kind in spans_of(answer, "bio")]
    assert (["Ann", "Lee"], "PER") in spans
    text = " ".join(long)
    assert any(text[a:b] == "Ann Lee" for a, b, _, _ in tagger.tag_texts([text])[0])


def test_windows_of_training_give_legal_chains(tokenizer) -> None:
    tagger = made("narrow", tokenizer)
    words = ["Lee"] * 40
    text = " ".join(words)
    places = [(4 * k, 4 * k + 3) for k in range(40)]
    examples = tagger.examples([(text, places)], [["B-PER", *["I-PER"] * 39]])
    assert len(examples) > 4
    batch = on_device(stack(examples, pad=0), torch.device("cpu"))
    loss, _ = tag_loss(tagger.module, batch)
    assert torch.isfinite(loss.total) and loss.count < 40


def test_labels_are_legal_whatever_is_read(tokenizer) -> None:
    for decoder in ("crf", "tokens"):
        tagger = made("bert", tokenizer, decoder=decoder)
        with torch.no_grad():
            tagger.module.classifier.bias.copy_(torch.tensor([0.0, 0.0, 3.0, 0.0, 2.9]))
        for answer in tagger([words for words, _ in SENTENCES]):
            before = "O"
            for label in answer:
                assert label[0] != "I" or before[1:] == label[1:]
                before = label


def test_batches_are_a_function_of_their_number(tokenizer) -> None:
    from hornbook.corpus.labelled import joined

    tagger = made("words", tokenizer, characters=8)
    examples = tagger.examples([joined(words) for words, _ in SENTENCES], [labels for _, labels in SENTENCES])
    batches = tag_batches(examples, rows=3, pad=0, seed=5)
    seen = [batches.part(number, 0, 1) for number in range(4)]
    assert batches.batches_an_epoch == 2
    for epoch in (0, 1):
        rows = sorted(len(one.inputs) for one in seen[2 * epoch : 2 * epoch + 2])
        assert rows == [1, 3]
    again = tag_batches(examples, rows=3, pad=0, seed=5)
    for number in (3, 0, 2, 1):
        np.testing.assert_array_equal(again.part(number, 0, 1).inputs, seen[number].inputs)
        np.testing.assert_array_equal(again.part(number, 0, 1).characters, seen[number].characters)
    parts = [again.part(0, rank, 4) for rank in range(4)]
    count = sum((part.targets != NO_LABEL).sum() for part in parts)
    assert count == (again.part(0, 0, 1).targets != NO_LABEL).sum()


def test_what_is_no_text_is_named(tokenizer) -> None:
    tagger = made("words", tokenizer)
    for wrong in (None, 3, b"Ann"):
        with pytest.raises(TypeError, match="text 1"):
            tagger.tag_texts(["Ann", wrong])
        with pytest.raises(TypeError, match="token 1 of sentence 1"):
            tagger([["Ann"], ["Ann", wrong]])
    with pytest.raises(UsageError, match="two labels"):
        NeuralTagger(tagger.model, ["O"], TaggerConfig())


@pytest.mark.parametrize("case", ["bert", "words"])
def test_damaged_folders_are_one_line(case: str, tokenizer, tmp_path: Path) -> None:
    tagger = made(case, tokenizer, **CASES[case])
    changes = {
        "no weights": lambda folder: (folder / "model.safetensors").unlink(),
        "cut": lambda folder: (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:200]),
        "no encoder or chain": lambda folder: (
            folder / ("encoder" if case == "words" else "crf") / "model.safetensors"
        ).unlink(),
        "labels": lambda folder: _change(folder / "config.json", {"labels": ["O"], "id2label": {"0": "O"}}),
        "labels twice": lambda folder: _change(
            folder / "config.json", {"labels": ["O", "O"], "id2label": {"0": "O", "2": "X"}}
        ),
        "one label more": lambda folder: _change(
            folder / "config.json",
            {"labels": [*LABELS, "B-X"], "id2label": {str(k): one for k, one in enumerate([*LABELS, "B-X"])}},
        ),
        "settings": lambda folder: _change(
            folder / ("config.json" if case == "words" else "tagger.json"), {"config": {"decoder": "magic"}}
        ),
        "unknown setting": lambda folder: _change(
            folder / ("config.json" if case == "words" else "tagger.json"), {"config": {"decodr": "crf"}}
        ),
        "not JSON": lambda folder: (folder / "config.json").write_text("{"),
    }
    for name, change in changes.items():
        folder = tmp_path / name
        folder.mkdir()
        tagger.save_files(folder)
        change(folder)
        with pytest.raises(HornbookError) as caught:
            NeuralTagger.load(folder)
        assert "\n" not in str(caught.value), name


def _change(path: Path, fields: dict[str, object]) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))
