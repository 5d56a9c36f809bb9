"""Segmenters, taggers, classifiers and n-gram models at the command line: train, ask, score, export."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hornbook
from hornbook import api
from hornbook.cli import main
from hornbook.core import artifact
from hornbook.statistical.bayes import BayesConfig, LanguageModelClassifier
from hornbook.statistical.linear import LinearClassifier, LinearConfig

SUBJECTS, PLACES, ACTS = "我们 他们 老师 学生们", "在 图书馆|在 公园 里|在 学校|在 家里", "看 书 。|做饭 。|说话 。|写 报告 。"


def segmented() -> list[str]:
    """Every subject with every place and every act, blanks between words."""
    lines = [f"{one} {two} {three}" for one in SUBJECTS.split() for two in PLACES.split("|") for three in ACTS.split("|")]
    return lines * 3


def tagged(*, spans: bool) -> str:
    """Sentences of the form 'the cat sees Paris .', a token a line, its label last."""
    rows = []
    for number in range(120):
        noun, verb, name = (
            ("cat", "dog", "horse")[number % 3],
            ("sees", "likes")[number % 2],
            ("Paris", "Oslo Fjord")[number % 2],
        )
        rows += [("the", "O" if spans else "DET"), (noun, "O" if spans else "NOUN"), (verb, "O" if spans else "VERB")]
        for place, word in enumerate(name.split()):
            rows.append((word, f"{'BI'[place > 0]}-LOC" if spans else "PROPN"))
        rows += [(".", "O" if spans else "PUNCT"), ("", "")]
    return "".join(f"{token}\t{label}\n" if token else "\n" for token, label in rows)


TEXTS = {"good": "a fine and lovely film", "bad": "a dull and awful film"}


def out(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> list[str]:
    found = main(arguments)
    captured = capsys.readouterr()
    assert found == code, captured.err
    return captured.out.splitlines()


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(out(capsys, *arguments, "--json")[-1])
    return result


def feed(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), "utf-8"))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("statistical")
    (folder / "words.txt").write_text("\n".join(segmented()) + "\n", "utf-8")
    assert main(["train", "segmenter", str(folder / "words.txt"), "-o", str(folder / "segmenter"), "--quiet"]) == 0
    for kind in ("tags", "spans"):
        (folder / f"{kind}.conll").write_text(tagged(spans=kind == "spans"))
    for method in ("hmm", "crf"):
        scheme = ["--hmm.scheme", "bio"] if method == "hmm" else []
        for kind, more in (("tags", []), ("spans", scheme)):
            command = ["train", "tagger", str(folder / f"{kind}.conll"), "-o", str(folder / f"{method}-{kind}")]
            assert main([*command, "--method", method, *more, "--quiet"]) == 0
    texts, labels = list(TEXTS.values()) * 6, list(TEXTS) * 6
    with artifact.writing(folder / "linear") as temporary:
        LinearClassifier(LinearConfig(threads=1)).fit(texts, labels).save_files(temporary)
    with artifact.writing(folder / "bayes") as temporary:
        LanguageModelClassifier(BayesConfig(folds=0)).fit(texts, labels).save_files(temporary)
    (folder / "text").mkdir()
    for name, times in (("train", 20), ("valid", 1), ("test", 1)):
        (folder / "text" / f"{name}.txt").write_text("the old man sees the old dog .\nthe old man sees the <unk> .\n" * times)
    command = ["train", "ngram", str(folder / "text"), "-o", str(folder / "ngram"), "--tokenizer", "words", "--raw"]
    assert main([*command, "--closed-vocabulary", "--documents", "line", "--model.order", "3", "--quiet"]) == 0
    return folder


@pytest.mark.parametrize("kind", ["linear", "bayes", "hmm-tags", "crf-tags", "segmenter"])
def test_every_kind_is_loaded_by_its_folder_and_described(kind: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert type(hornbook.load(place / kind)).__name__ in {
        "LinearClassifier", "LanguageModelClassifier", "HmmTagger", "CrfTagger", "HmmSegmenter",
    }  # fmt: skip
    facts = told(capsys, "info", str(place / kind))
    assert str(facts["model_type"]).startswith("hornbook-") and facts["size_mb"] > 0


def test_a_segmenter_is_measured_on_sentences_it_did_not_see(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = told(capsys, "train", "segmenter", str(place / "words.txt"), "-o", str(tmp_path / "m"), "--pair-weight", "2")
    held = segmented()[-(len(segmented()) // 10) :]
    assert result["sentences"] == len(held) and result["n"] == sum(len(line.split()) for line in held)
    assert result["f1"] > 0.95 and result["f1_ci95"][0] <= result["f1"]
    assert result["tokens_seen"] == sum(len(line.split()) for line in segmented()) - result["n"]
    assert hornbook.load(tmp_path / "m").config.pair_weight == 2.0
    facts = told(capsys, "info", str(tmp_path / "m"))
    assert facts["recipe"] == "segmenter" and facts["f1"] == result["f1"]
    (tmp_path / "held.txt").write_text("\n".join(held), "utf-8")
    again = told(capsys, "evaluate", str(tmp_path / "m"), str(tmp_path / "held.txt"))
    assert again["f1"] == result["f1"]


def test_the_f1_of_words_counts_words_with_both_ends_right(place: Path) -> None:
    from hornbook.tasks.sequences import score_segmenter

    class Characters:
        def segment_many(self, texts: list[str]) -> list[list[str]]:
            return [list(text) for text in texts]

    # 在 is right; of 3 words wanted and 6 found: 2 * 1 / (3 + 6)
    score = score_segmenter(Characters(), [["他们", "在", "图书馆"]])  # type: ignore[arg-type]
    assert score["f1"] == pytest.approx(2 / 9) and score["n"] == 3 and score["f1_ci95"] is None


def test_conllu_teaches_a_segmenter(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = []
    for line in segmented():
        rows += [f"{i}\t{word}\t_\tX\t_\t_\t0\t_\t_\t_" for i, word in enumerate(line.split(), start=1)] + [""]
    (tmp_path / "a.conllu").write_text("\n".join(rows) + "\n", "utf-8")
    result = told(capsys, "train", "segmenter", str(tmp_path / "a.conllu"), "-o", str(tmp_path / "m"))
    assert result["f1"] > 0.95


def test_one_line_of_words_for_every_line_of_text(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = str(place / "segmenter")
    assert out(capsys, "segment", model, "他们在图书馆看书。") == ["他们 在 图书馆 看 书 。"]
    feed(monkeypatch, "他们在学校说话。\r\n\n  \n我们在公园里做饭。".encode())
    assert out(capsys, "segment", model) == ["他们 在 学校 说话 。", "", "", "我们 在 公园 里 做饭 。"]
    feed(monkeypatch, "他们在学校".encode() + b"\xff\xfe\n")
    found = main(["segment", model, "-"])
    captured = capsys.readouterr()
    assert found == 0 and captured.out.count("\n") == 1 and "\ufffd" in captured.out and "1 lines" in captured.err
    (tmp_path / "old.txt").write_bytes("他们在图书馆看书。\n我们在家里做饭。\n".encode("gb18030") * 30)
    assert out(capsys, "segment", model, str(tmp_path / "old.txt"))[:2] == ["他们 在 图书馆 看 书 。", "我们 在 家里 做饭 。"]
    assert json.loads(out(capsys, "segment", model, "他们在家里", "--json")[0]) == {"words": ["他们", "在", "家里"]}


def test_a_users_dictionary_is_used_and_what_was_not_used_is_told(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "own.txt").write_text("话说书 10 n\n话说书\n" + "长" * 65 + "\n", "utf-8")
    assert "话说书" not in out(capsys, "segment", str(place / "segmenter"), "话说书在学校。")[0].split()
    assert main(["segment", str(place / "segmenter"), "话说书在学校。", "--dictionary", str(tmp_path / "own.txt")]) == 0
    captured = capsys.readouterr()
    assert captured.out.split() == ["话说书", "在", "学校", "。"]
    assert "1 lines used, 2 rejected" in captured.err and "line 2" in captured.err and "line 3" in captured.err


@pytest.mark.parametrize("method", ["hmm", "crf"])
def test_a_tagger_is_trained_measured_and_asked(
    method: str, place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = str(place / f"{method}-tags")
    result = told(capsys, "evaluate", model, str(place / "tags.conll"))
    assert result["accuracy"] > 0.99 and result["sentences"] == 120 and "entity_f1" not in result
    answer = told(capsys, "predict", model, "the dog sees Paris.")
    assert answer == {"tokens": ["the", "dog", "sees", "Paris", "."], "labels": ["DET", "NOUN", "VERB", "PROPN", "PUNCT"]}
    spans = told(capsys, "evaluate", str(place / f"{method}-spans"), str(place / "spans.conll"), "--column", "2")
    assert spans["entity_f1"] > 0.99
    answer = told(capsys, "predict", str(place / f"{method}-spans"), "the dog likes Oslo Fjord .")
    assert answer["spans"] == [{"text": "Oslo Fjord", "label": "LOC", "first": 3, "last": 5, "start": 14, "end": 24}]
    dev = ["--dev", str(place / "tags.conll"), "--method", method]
    result = told(capsys, "train", "tagger", str(place / "tags.conll"), "-o", str(tmp_path / "m"), *dev)
    assert result["sentences"] == 120 and result["labels"] == 5 and result["kind"] == f"{method}-tagger"


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("The cat's toys don't cost $3.50, Mr O'Brien!", "The cat 's toys do n't cost $ 3.50 , Mr O'Brien !"),
        ("I'm sure we’ll see well-known U.S. films.", "I 'm sure we ’ll see well-known U.S . films ."),
        ("我们 在\u3000学校。", "我们 在 学校 。"),
        ("x" * 200_000, "x" * 200_000),
    ],
)
def test_a_text_is_cut_as_treebanks_are(text: str, tokens: str) -> None:
    from hornbook.tasks.predict import words_of

    assert words_of(text) == tokens.split()
    assert words_of("看 书。", characters=True) == ["看", "书", "。"]


@pytest.mark.parametrize("kind", ["linear", "bayes"])
def test_a_classifier_answers_every_line_even_an_empty_one(
    kind: str, place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = str(place / kind)
    feed(monkeypatch, "what a lovely film\n\n \u3000\nan awful film\n".encode())
    answers = [json.loads(line) for line in out(capsys, "predict", model)]
    assert [answer["label"] for answer in answers] == ["good", None, None, "bad"]
    assert answers[1] == answers[2] == {"label": None, "reason": "empty"} and 0.5 < answers[0]["probability"] <= 1
    both = json.loads(out(capsys, "predict", model, "a lovely film", "--top", "5")[0])["probabilities"]
    assert list(both) == ["good", "bad"] and sum(both.values()) == pytest.approx(1, abs=1e-5)


def test_lines_of_json_are_texts_or_tokens(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ['{"text": "the cat sees Paris"}', '["the", "cat"]', '{"tokens": ["the", "dog"]}', '""', '"the \\ud800"', "[]"]
    feed(monkeypatch, "\n".join(lines).encode())
    answers = [json.loads(line) for line in out(capsys, "predict", str(place / "hmm-tags"))]
    assert [answer["labels"] for answer in answers[:3]] == [["DET", "NOUN", "VERB", "PROPN"], ["DET", "NOUN"], ["DET", "NOUN"]]
    assert answers[3] == answers[5] == {"labels": None, "reason": "empty"} and answers[4]["replaced"] == 1
    feed(monkeypatch, b"a text first\n{not json}\n")
    assert len(out(capsys, "predict", str(place / "linear"))) == 2


@pytest.mark.parametrize("kind", ["linear", "bayes", "hmm-tags", "crf-tags", "segmenter"])
def test_answers_do_not_depend_on_what_is_asked_beside(kind: str, place: Path) -> None:
    inputs = ["the cat", "", "a fine film", "  ", "他们 在 图书馆", "x" * 3000]
    alone = [next(iter(api.predict(place / kind, [one]))) for one in inputs]
    assert list(api.predict(place / kind, inputs)) == list(api.predict(place / kind, inputs, together=2)) == alone
    for wrong in (None, 3, b"bytes", ["the", None]):
        with pytest.raises(TypeError, match="input 1 "):
            list(api.predict(place / kind, ["the", wrong]))  # type: ignore[list-item]


def test_arpa_files_go_out_and_come_in(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, packed = tmp_path / "model.arpa", tmp_path / "model.arpa.gz"
    result = told(capsys, "export", str(place / "ngram"), "--to", "arpa", "-o", str(file))
    assert result["order"] == 3 and result["largest_difference_nats"] < 1e-5
    assert file.read_text().startswith("\\data\\\nngram 1=")
    packed.write_bytes(gzip.compress(file.read_bytes()))
    sentence = "the old man sees the old dog ."
    ours = hornbook.load(place / "ngram").score(sentence)
    for path in (file, packed):
        assert hornbook.load(path).score(sentence) == pytest.approx(ours, abs=1e-4)
        facts = told(capsys, "info", str(path))
        assert facts["model_type"] == "arpa" and facts["order"] == 3
        assert out(capsys, "generate", str(path), "the old", "--max-tokens", "4", "--quiet")[0].startswith("the old")
        score = told(capsys, "evaluate", str(path), str(place / "text"), "--documents", "line")
        assert np.isfinite(score["perplexity"]) and 1 < score["perplexity"] < 5


def test_text_whose_words_a_model_does_not_know_is_told_of(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(place / "ngram"), str(place / "text"), "--documents", "line"]) == 0
    assert "unknown to the model" not in capsys.readouterr().err
    assert main(["evaluate", str(place / "ngram"), str(place / "words.txt"), "--documents", "line"]) == 0
    assert "100% of the tokens of the text are unknown to the model" in capsys.readouterr().err
    assert main(["export", str(place / "bayes" / "label-0"), "--to", "arpa", "-o", str(place / "chars.arpa")]) == 0
    assert "chars tokenizer" in capsys.readouterr().err


def test_what_may_follow_a_context_with_counts(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listing = told(capsys, "info", str(place / "ngram"), "--context", "the old", "--top", "2")
    first, second = listing["continuations"]
    assert (first["text"], first["count"], second["text"], second["count"]) == ("man", 40, "dog", 20)
    assert listing["known_count"] == 60 and 0.2 < second["probability"] < first["probability"] < 0.8
    lines = out(capsys, "info", str(place / "ngram"), "--context", "the old", "--top", "2")
    assert lines[0] == "after: the old" and lines[-2].split()[-1] == "man"
    assert told(capsys, "info", str(place / "ngram"), "--context", "")["known_context"] == []


def test_help_of_the_new_verbs_loads_neither_torch_nor_numba() -> None:
    for verb in (["segment"], ["predict"], ["train", "segmenter"], ["train", "tagger"]):
        call = f"import sys; from hornbook.cli import main; main({[*verb, '--help']})"
        code = f"{call}; sys.exit(bool({{'torch', 'numba'}} & set(sys.modules)))"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.returncode == 0, (verb, done.stderr)
        assert "--json" in done.stdout


def test_labels_of_iob1_are_scored_as_the_spans_they_mark() -> None:
    from types import SimpleNamespace

    from hornbook.corpus.labelled import LabelledSentence
    from hornbook.tasks.sequences import score_tagger

    class Tagger:
        config = SimpleNamespace(scheme="iob1")

        def __call__(self, sentences: list[tuple[str, ...]]) -> list[list[str]]:
            return [["B-PER", "I-PER", "B-PER", "B-LOC"]]

    gold = LabelledSentence(("a", "b", "c", "d"), ("I-PER", "I-PER", "B-PER", "O"), "a b c d", (), 1)
    score = score_tagger(Tagger(), [gold])  # type: ignore[arg-type]
    assert score["accuracy"] == 0.75 and score["entity_f1"] == pytest.approx(2 * 2 / (2 + 3))
