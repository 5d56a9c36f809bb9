"""Mixing texts: shares, parts of the whole, a score for each, refusals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hornbook.api import train
from hornbook.core.errors import UsageError
from hornbook.core.events import Alarm, Event
from hornbook.corpus.prepare import CorpusConfig
from hornbook.corpus.shards import ShardSplit
from hornbook.corpus.store import TextStore
from hornbook.tasks import mixed
from hornbook.tasks.pretrain import open_data, prepare_data

CONFIG = CorpusConfig()
EN = "\n\n".join(f"the {animal} number {number} sat on the mat." for number in range(60) for animal in ("cat", "dog"))
ZH = "\n\n".join(f"第{number}只猫坐在垫子上。" for number in range(60))


@pytest.fixture
def texts(tmp_path: Path) -> list[Path]:
    (tmp_path / "en.txt").write_text(EN, "utf-8")
    (tmp_path / "zh.txt").write_text(ZH, "utf-8")
    return [tmp_path / "en.txt", tmp_path / "zh.txt"]


@pytest.mark.parametrize(
    ("mix", "shares"),
    [("1", (0.9, 0.1)), ("0", (0.5, 0.5)), ("0.5", (0.75, 0.25)), ("a=1,b=3", (0.25, 0.75)), ("b=1, a=1", (0.5, 0.5))],
)
def test_shares(mix: str, shares: tuple[float, float]) -> None:
    found = mixed._weights(mix, {"a": 900, "b": 100})
    assert list(found) == ["a", "b"]
    assert tuple(found.values()) == pytest.approx(shares)


@pytest.mark.parametrize(
    ("mix", "words"),
    [
        ("many", "neither a power"),
        ("2", "neither a power"),
        ("-1", "neither a power"),
        ("nan", "neither a power"),
        ("a=1", "'b' needs a weight"),
        ("a=1,b=0", "'b' needs a weight"),
        ("a=1,b=x", "'b' needs a weight"),
        ("a=1,c=2", "no text is called 'c'"),
    ],
)
def test_wrong_mixes_are_refused(mix: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        mixed._weights(mix, {"a": 900, "b": 100})


def test_texts_of_one_name_are_numbered() -> None:
    assert mixed._names(["x/news.txt.gz", "y/news.txt", "z/en.txt", "w/news.jsonl"]) == ["news", "news-2", "en", "news-3"]


def test_parts_are_the_texts_and_together_the_whole(texts: list[Path], tmp_path: Path) -> None:
    work = tmp_path / "work"
    store = mixed.mixed_text(texts, work, mix="0.5", config=CONFIG, log=lambda _: None)
    tokenizer = mixed.mixed_tokenizer(store, work, "bpe", log=lambda _: None)
    data = mixed.with_sources(prepare_data(store, work, tokenizer=tokenizer, log=lambda _: None), work)
    (english, _), (chinese, _) = data.parts()
    whole = data.shards.split("train")
    np.testing.assert_array_equal(np.concatenate([english.tokens, chinese.tokens]), whole.tokens)
    assert english.total_bytes + chinese.total_bytes == whole.total_bytes
    assert all(data.tokenizer.decode(document).isascii() for document in english.documents())
    assert all("猫" in data.tokenizer.decode(document) for document in chinese.documents())
    held = [source.held_out(data) for source in data.sources]
    assert all(split is not None and len(split) for split in held)
    again = open_data(work)
    assert [(source.name, source.share) for source in again.sources] == [(one.name, one.share) for one in data.sources]
    for name, source in zip(("en", "zh"), data.sources):
        alone = TextStore.open(work / "sources" / name / "corpus")
        assert source.of(whole, "train").total_bytes == alone.split("train").total_bytes


def test_word_starts_follow_their_part() -> None:
    flags = np.random.default_rng(1).random(50) < 0.5
    split = ShardSplit.from_documents([range(13), range(20), range(17)])
    split = ShardSplit(split.tokens, split.starts, split.raw_bytes, np.packbits(flags, bitorder="little"))
    part = mixed.Source("x", 1.0, {"train": (1, 3)}).of(split, "train")
    assert part.words is not None
    np.testing.assert_array_equal(np.unpackbits(part.words, bitorder="little")[:37], flags[13:])


def test_the_tokenizer_reads_each_text_by_its_share(texts: list[Path], tmp_path: Path) -> None:
    store = mixed.mixed_text(texts, tmp_path / "work", mix="en=1,zh=3", config=CONFIG, log=lambda _: None)
    sample = list(mixed._in_proportion(store, {"en": 0.25, "zh": 0.75}))
    sizes = [sum(len(text.encode()) for text in sample if text.isascii() is english) for english in (True, False)]
    assert sizes[1] / sum(sizes) == pytest.approx(0.75, abs=0.05)


@pytest.mark.parametrize("recipe", ["gpt", "roberta", "lstm"])
def test_training_scores_every_text(recipe: str, texts: list[Path], tmp_path: Path) -> None:
    overrides = {"training.steps": 3, "training.rows": 4, "training.length": 32, "model.layers": 1, "model.width": 32}
    told: list[str] = []
    log = lambda event: told.append(str(getattr(event, "text", "")))
    result = train(recipe, texts, tmp_path / "model", mix="zh=1,en=1", overrides=overrides, log=log)
    assert list(result["sources"]) == ["en", "zh"]
    measure = "masked_accuracy" if recipe == "roberta" else "bits_per_byte"
    assert all(score["share"] == 0.5 and score[measure] is not None for score in result["sources"].values())
    assert any("en 2 (50.0%" in text and "zh 2 (50.0%" in text for text in told)
    run = json.loads((tmp_path / "model" / "run.json").read_text("utf-8"))
    assert run["sources"]["zh"][measure] == pytest.approx(result["sources"]["zh"][measure])


def test_mix_needs_several_texts_and_a_network(texts: list[Path], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="at least two"):
        train("gpt", texts[:1], tmp_path / "one", mix="0.3")
    with pytest.raises(UsageError, match="batches"):
        train("ngram", texts, tmp_path / "two", mix="0.3")


def test_texts_in_several_sources_are_counted_and_told(tmp_path: Path) -> None:
    """Each source throws out its own duplicates; what two of them have would weigh twice, or be known before the test."""
    words = ["mast", "sail", "rope", "anchor", "harbour", "wind"]
    common = [f"the {word} is in both of the texts and has its own {word * 3}." for word in words]
    parts = {"a": {"train": common, "valid": []}, "b": {"train": [f" {one}  " for one in common[:4]], "valid": common[4:]}}
    for name, splits in parts.items():
        (tmp_path / name).mkdir()
        for split, lines in splits.items():
            own = [f"{name * number} only {name} in {split} has {number * 7919} and no other." for number in range(1, 11)]
            (tmp_path / name / f"{split}.txt").write_text("\n\n".join([*own, *lines]), "utf-8")
    said: list[Event] = []
    mixed.mixed_text([tmp_path / "a", tmp_path / "b"], tmp_path / "work", mix="1", config=CONFIG, log=said.append)
    alarms = [event.text for event in said if isinstance(event, Alarm)]
    assert any(one.startswith("4 of 26 training texts stand in several sources of --mix") for one in alarms), alarms
    assert any(one.startswith("2 of 12 held-out texts of b are training texts") for one in alarms), alarms


def test_different_sources_raise_no_alarm(texts: list[Path], tmp_path: Path) -> None:
    said: list[Event] = []
    mixed.mixed_text(texts, tmp_path / "work", mix="1", config=CONFIG, log=said.append)
    assert not [event for event in said if isinstance(event, Alarm)]
