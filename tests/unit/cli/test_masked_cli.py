"""Masked and continued training from the command line: what is printed, written and refused."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
import torch

from hornbook.cli import main
from hornbook.models.bert import BertConfig
from hornbook.models.masked import MaskedLM
from hornbook.tokenizers import TokenizerConfig, train_tokenizer

SHORT = ["--training.steps", "6", "--training.rows", "4", "--training.length", "32", "--training.threads", "1"]
SMALL = ["--model.layers", "1", "--model.width", "32", "--model.heads", "2", "--training.precision", "float32", *SHORT]


def english(path: Path, *, beasts: str, verb: str) -> str:
    draw = random.Random(1)
    sentence = lambda: f"The {draw.choice(beasts.split())} {verb} the {draw.choice(('mat', 'log', 'den', 'tree'))}."
    path.write_text("\n\n".join(" ".join(sentence() for _ in range(6)) for _ in range(100)))
    return str(path)


def chinese(path: Path) -> str:
    draw = random.Random(1)
    words = ("我们", "学习", "语言", "模型", "训练", "数据", "文本", "词语", "机器", "神经", "网络", "计算", "今天")
    sentence = lambda: "".join(draw.choice(words) for _ in range(8)) + "。"
    path.write_text("\n\n".join("".join(sentence() for _ in range(5)) for _ in range(100)))
    return str(path)


@pytest.fixture
def text(tmp_path: Path) -> str:
    return english(tmp_path / "new.txt", beasts="cat dog fox owl", verb="sat on")


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> tuple[str, str]:
    """Standard output and what else was said."""
    capsys.readouterr()
    assert main(list(arguments)) == code, capsys.readouterr().err
    found = capsys.readouterr()
    return found.out, " ".join(found.err.split())


@pytest.mark.slow
def test_bert_with_pairs(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Both losses are told apart, masks are shown first, and `evaluate` says of the held-out text what training said."""
    model = str(tmp_path / "model")
    out, said = run(capsys, "train", "bert", text, "-o", model, *SMALL, "--json")
    result = json.loads(out.splitlines()[-1])
    assert 0 <= result["masked_accuracy"] <= 1 and 0 <= result["next_sentence_accuracy"] <= 1
    assert "tokens predicted" in said and "→MASK]" in said
    assert json.loads((Path(model) / "config.json").read_text())["model_type"] == "bert"
    card = (Path(model) / "README.md").read_text()
    assert "hornbook fill" in card and "hornbook generate" not in card
    out, _ = run(capsys, "evaluate", model, str(tmp_path / "model.work" / "corpus"), "--json")
    evaluated = json.loads(out.splitlines()[-1])
    assert {"pseudo_perplexity", "masked_accuracy", "masked_nats_per_token"} <= set(evaluated)
    assert "bits_per_byte" not in evaluated


@pytest.mark.slow
def test_pairs_are_switched_by_one_flag(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for pairs, head in (("none", False), ("order", True)):
        model = tmp_path / pairs
        out, _ = run(
            capsys, "train", "bert", text, "-o", str(model), "--pairs", pairs, "--tokenizer", "chars", *SMALL, "--json"
        )
        assert ("next_sentence_accuracy" in json.loads(out.splitlines()[-1])) is head
        assert MaskedLM.load(model).config.next_sentence is head
    _, said = run(capsys, "train", "roberta", text, "-o", str(tmp_path / "no"), "--pairs", "next", *SMALL, code=2)
    assert "pairs cannot be 'next'" in said
    flags = ("--pairs", "next", "--model.next-sentence=false")
    _, said = run(capsys, "train", "bert", text, "-o", str(tmp_path / "no"), *flags, *SMALL, code=2)
    assert "model.next-sentence true" in said
    _, said = run(capsys, "train", "bert", text, "-o", str(tmp_path / "no"), "--pairs", "nxt", code=2)
    assert "nxt" in said and "next" in said


@pytest.mark.slow
def test_whole_words_of_chinese(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("rjieba")
    source = chinese(tmp_path / "zh.txt")
    flags = ("--masking.units", "words", "--tokenizer", "chars")
    out, said = run(capsys, "train", "roberta", source, "-o", str(tmp_path / "model"), *flags, *SMALL, "--json")
    assert "cut by rjieba" in said and "→MASK]" in said
    assert json.loads(out.splitlines()[-1])["masked_tokens"] > 0
    _, said = run(capsys, "train", "roberta", source, "-o", str(tmp_path / "m2"), *flags, "--segmenter", "jieb", *SMALL, code=2)
    assert "no segmenter 'jieb'" in said


@pytest.mark.slow
def test_training_on_with_replay(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was gained on the new text and lost on the old one; the head for pairs, not trained on, stays."""
    old = english(tmp_path / "old.txt", beasts="hen pig cow ant", verb="ran to")
    start, model = str(tmp_path / "start"), str(tmp_path / "model")
    run(capsys, "train", "bert", old, "-o", start, "--tokenizer", "chars", *SMALL)
    out, _ = run(
        capsys, "train", start, text, "-o", model, "--replay", old, "--replay-share", "0.3",
        "--masking.units", "words", "--segmenter", "characters", *SHORT, "--json",
    )  # fmt: skip
    result = json.loads(out.splitlines()[-1])
    for name in ("new", "old"):
        gain = result[f"{name}_before"] - result[f"{name}_after"]
        assert result[f"{name}_gain"] == pytest.approx(gain, abs=1e-9)
        low, high = result[f"{name}_gain_ci95"]
        assert low <= high
    assert MaskedLM.load(Path(model)).config == MaskedLM.load(Path(start)).config
    out, _ = run(capsys, "train", start, text, "-o", str(tmp_path / "plain"), *SHORT)
    assert "new text, nats a hidden token: " in out and "old text" not in out
    _, said = run(capsys, "train", start, text, "-o", str(tmp_path / "no"), "--replay", old, "--replay-share", "1.5", code=2)
    assert "replay share of 1.5" in said


@pytest.mark.slow
def test_a_causal_network_is_trained_on_too(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    start = str(tmp_path / "start")
    run(capsys, "train", "gpt", text, "-o", start, "--tokenizer", "chars", *SMALL)
    out, _ = run(capsys, "train", start, text, "-o", str(tmp_path / "model"), "--objective", "causal", *SHORT)
    assert "new text, bits per byte: " in out
    _, said = run(capsys, "train", start, text, "-o", str(tmp_path / "no"), "--masking.rate", "0.3", *SHORT, code=2)
    assert "masking.rate" in said


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    """A saved encoder without a head, as sentence encoders are."""
    torch.manual_seed(0)
    tokenizer = train_tokenizer(["The cat sat on the mat."], TokenizerConfig(kind="bpe", size=280))
    folder = tmp_path / "encoder"
    folder.mkdir()
    MaskedLM(tokenizer, BertConfig(layers=1, width=32, heads=2, context=32, head=False)).save_files(folder)
    return folder


@pytest.mark.slow
def test_a_checkpoint_without_a_head_gets_one_and_it_is_said(
    encoder: Path, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The new head is the same at every run of a seed, so the score before training can be told again."""
    results = []
    for name in ("one", "two"):
        out, said = run(capsys, "train", str(encoder), text, "-o", str(tmp_path / name), "--objective", "mlm", *SHORT, "--json")
        assert "head" in said and "new" in said
        results.append(json.loads(out.splitlines()[-1]))
    assert results[0]["new_before"] == results[1]["new_before"]
    assert MaskedLM.load(tmp_path / "one").config.head
    assert "head True" in (tmp_path / "one" / "README.md").read_text()


def test_an_objective_that_does_not_fit_is_refused_before_anything_is_written(
    encoder: Path, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, said = run(capsys, "train", str(encoder), text, "-o", str(tmp_path / "no"), "--objective", "causal", code=2)
    assert said == "hornbook: --objective causal does not fit this network: it is trained by mlm"
    assert not list(tmp_path.glob("no*"))


def test_an_unknown_recipe_suggests_the_nearest(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for wrong, right in (("brt", "bert"), ("robertta", "roberta"), ("lstn", "lstm")):
        _, said = run(capsys, "train", wrong, text, "-o", str(tmp_path / "no"), code=2)
        assert f"'{wrong}'" in said and right in said
    assert not list(tmp_path.glob("no*"))


def test_options_of_masks_belong_to_masked_recipes(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for recipe in ("gpt", "lstm", "ngram"):
        _, said = run(capsys, "train", recipe, text, "-o", str(tmp_path / "no"), "--masking.rate", "0.3", code=2)
        assert said.startswith("hornbook: ") and "--masking.rate" in said
        shown, _ = run(capsys, "train", recipe, "--help")
        assert "masking" not in shown and "NOTRAINING" not in shown
    assert "--masking.rate" in run(capsys, "train", "bert", "--help")[0]
    assert not list(tmp_path.glob("no*"))


def test_a_folder_with_the_name_of_a_recipe_is_told_apart(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    flags = ("--tokenizer", "chars", "--model.order", "2")
    _, said = run(capsys, "train", "ngram", text, "-o", "out", *flags)
    assert "./ngram" not in said
    Path("ngram").mkdir()
    _, said = run(capsys, "train", "ngram", text, "-o", "again", *flags)
    assert "'ngram' is the recipe here, not the folder of that name: write ./ngram" in said


def test_the_help_of_fill_spells_out_every_gap(capsys: pytest.CaptureFixture[str]) -> None:
    """Mark-up of help texts takes <mask> for a tag unless it is quoted."""
    for arguments in (("fill", "--help"), ("--help",)):
        shown, _ = run(capsys, *arguments)
        assert all(one in shown for one in ("[MASK]", "<mask>", "___"))
