"""Splitting: shares kept, duplicates together, nothing lost, cuts contiguous; and the leak guard on planted leaks."""

import gzip
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hornbook.core.errors import UsageError
from hornbook.core.events import Alarm
from hornbook.corpus.leaks import find_leaks
from hornbook.corpus.split import RANKED, SplitConfig, SplitPlanner


def split(texts, how="0.1", seed=1):
    planner = SplitPlanner(SplitConfig(how, seed))
    for text in texts:
        planner.add(text)
    plan = planner.finish()
    parts = list(plan.assign(texts))
    result = defaultdict(list)
    for name, part in parts:
        result[name].append(part)
    return plan, result


def documents(count, words=30, seed=0):
    generator = np.random.default_rng(seed)
    return [" ".join(f"w{n}" for n in generator.integers(0, 2000, words)) for _ in range(count)]


@pytest.mark.parametrize("count", [40, 1000, RANKED + 2000])
@pytest.mark.parametrize("how", ["0.1", "0.3", "folds:10", "folds:5:4"])
def test_shares(count, how):
    texts = documents(count, words=6 if count > RANKED else 30)
    plan, parts = split(texts, how)
    assert sum(map(len, parts.values())) == count
    total = sum(map(len, texts))
    expected = {"0.1": 0.05, "0.3": 0.15, "folds:10": 0.1, "folds:5:4": 0.2}[how]
    for name in ("valid", "test"):
        assert abs(sum(map(len, parts[name])) / total - expected) < 0.015 + 1 / count  # a document is not divided
    assert plan.notes == ()


def test_stable_and_seeded():
    texts = documents(500)
    assert split(texts)[1] == split(texts)[1]
    assert split(texts, seed=2)[1]["test"] != split(texts)[1]["test"]
    held = set(split(texts)[1]["test"])
    grown = set(split(texts + documents(50, seed=9))[1]["test"])
    assert len(held & grown) >= 0.8 * len(held)  # a larger corpus leaves most of the test set where it was


def test_duplicates_land_on_the_same_side():
    texts = [text for text in documents(200) for text in (text, f" {text}\n")]
    _, parts = split(texts, "0.2")
    sides = {name: {text.strip() for text in parts[name]} for name in ("train", "valid", "test")}
    assert not sides["train"] & sides["test"] and not sides["train"] & sides["valid"] and not sides["valid"] & sides["test"]
    assert all(len(parts[name]) == 2 * len(sides[name]) > 0 for name in sides)


def test_folds_cover_every_document_once_as_test():
    texts = documents(57)
    held = [text for fold in range(5) for text in split(texts, f"folds:5:{fold}")[1]["test"]]
    assert sorted(held) == sorted(texts)


def paragraphs(count, seed=0):
    return "\n\n".join(f"Paragraph {number}. {text}." for number, text in enumerate(documents(count, seed=seed)))


def test_one_long_document_is_cut_between_paragraphs():
    text = paragraphs(400)
    plan, parts = split([text])
    (train,), (valid,), (test,) = parts["train"], parts["valid"], parts["test"]
    assert train + valid + test == text
    assert valid.startswith("Paragraph") and test.startswith("Paragraph")
    assert abs(len(valid) / len(text) - 0.05) < 0.01 and abs(len(test) / len(text) - 0.05) < 0.01
    assert "too few" in plan.notes[0].text


def test_a_document_that_holds_most_of_the_text_is_cut_and_the_others_stay_whole():
    small, large = documents(60), paragraphs(400)
    plan, parts = split([*small[:30], large, *small[30:]])
    assert not plan.few
    pieces = {name: [part for part in parts[name] if part not in small] for name in ("train", "valid", "test")}
    assert [len(pieces[name]) for name in ("train", "valid", "test")] == [1, 1, 1]
    assert "".join(pieces[name][0] for name in ("train", "valid", "test")) == large
    assert sum(part in small for name in parts for part in parts[name]) == 60


def test_folds_of_one_document_are_contiguous():
    text = paragraphs(100)
    _, parts = split([text], "folds:10:4")
    assert len(parts["train"]) == 2 and len(parts["test"]) == len(parts["valid"]) == 1
    assert parts["train"][0] + parts["test"][0] + parts["valid"][0] + parts["train"][1] == text


def test_text_without_a_line_end_is_cut_behind_a_sentence():
    text = "这是一个很长的句子，没有换行。" * 300
    _, parts = split([text])
    assert parts["train"][0].endswith("。") and parts["valid"][0].endswith("。")
    assert parts["train"][0] + parts["valid"][0] + parts["test"][0] == text


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=30), max_size=12), st.sampled_from(["0.1", "0.5", "0", "last:0.1", "last:0.75", "folds:3"]))
def test_no_text_is_lost(texts, how):
    _, parts = split(texts, how)
    if how.startswith("last"):
        assert "".join(parts["train"]) + "".join(parts["valid"]) == "".join(texts) and parts["valid"] == parts["test"]
        characters = len("".join(texts))
        assert len("".join(parts["train"])) == characters * (9 if how == "last:0.1" else 2.5) // 10
    elif parts["valid"] != parts["test"]:
        assert sorted(text for name in parts for text in parts[name]) == sorted(texts)
    if texts:
        assert parts["train"] or how.startswith("last")


def test_tiny_corpora():
    for count in (3, 4, 10):
        _, parts = split(documents(count))
        assert parts["train"] and parts["valid"] and parts["test"]
        assert sum(map(len, parts.values())) == count
    plan, parts = split(["one", "two and more"])
    assert parts == {"train": ["two and more"], "valid": ["one"], "test": ["one"]} and "repeats" in plan.notes[0].text
    plan, parts = split(["only one sentence"])
    assert parts == {"train": ["only one sentence"]} and isinstance(plan.notes[0], Alarm)


def test_last_is_the_tiny_shakespeare_protocol():
    path = Path(__file__).parents[3].parent / "shared" / "data" / "tiny-shakespeare" / "input.txt.gz"
    if not path.exists():
        pytest.skip("the development data are not beside this checkout")
    text = gzip.decompress(path.read_bytes()).decode()
    _, parts = split([text], "last:0.1")
    boundary = int(len(text) * 0.9)
    assert parts == {"train": [text[:boundary]], "valid": [text[boundary:]], "test": [text[boundary:]]}


@pytest.mark.parametrize("how", ["", "x", "1.5", "-0.1", "last:", "last:0", "folds:1", "folds:10:10", "folds:x", "0.1%"])
def test_refusals(how):
    with pytest.raises(UsageError, match="is not understood"):
        SplitConfig(how)


def test_planted_leaks():
    train = [*documents(300, words=60), "一二三四五六七八九十" * 8, "简体中文的句子，讲的是计算机和语言模型。"]
    words = train[6].split()
    test = [
        train[0],  # equal
        train[1].upper(),  # case
        train[2].replace("w", "ｗ"),  # full width
        "  " + train[3].replace(" ", "\n"),  # whitespace
        " ".join([*words[:50], "changed", *words[51:]]),  # nearly equal
        "簡體中文的句子，講的是計算機和語言模型。",  # traditional characters: shown as unseen, not blocked
        "new title\n" + train[8] + "\nand an ending that makes it another document " * 5,  # a paragraph leaks
        *documents(3, words=60, seed=77),
    ]
    leaks = find_leaks(train, {"test": test, "valid": documents(20, words=60, seed=5), "empty": []})
    found = leaks["test"]
    assert (found.documents, found.leaked, found.leaked_but_for_case, found.near) == (10, 3, 1, 1)
    assert found.unseen.tolist() == [False] * 4 + [True] * 6
    assert found.leaked_paragraphs == 3  # the equal and the full-width document, and the planted paragraph
    assert found.examples[0] == train[0][:80]
    assert isinstance(found.alarm("test"), Alarm) and "4 of 10 documents" in found.alarm("test").text
    clean = leaks["valid"]
    assert (clean.leaked, clean.near, clean.leaked_paragraphs) == (0, 0, 0) and clean.alarm("valid") is None
    assert leaks["empty"].documents == 0 and leaks["empty"].alarm("empty") is None
    assert find_leaks(train, {"test": test}, near=False)["test"].near == 0
