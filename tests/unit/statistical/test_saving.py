from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import hornbook.tokenizers
from hornbook.core import artifact
from hornbook.core.errors import ContentError, DiskFullError, HornbookError
from hornbook.statistical import NgramConfig, NgramLM
from hornbook.statistical.trie import load_trie
from ids_only import IdsOnly

SIZE = 30


@pytest.fixture
def saved(skewed_documents: list[np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[NgramLM, Path]:
    monkeypatch.setattr(hornbook.tokenizers, "load_tokenizer", IdsOnly.from_folder, raising=False)
    model = NgramLM(IdsOnly(SIZE), NgramConfig(order=4)).fit(skewed_documents)
    with artifact.writing(tmp_path / "model") as folder:
        model.save_files(folder)
    return model, tmp_path / "model"


def test_loaded_model_is_the_saved_one(saved: tuple[NgramLM, Path], skewed_documents: list[np.ndarray]) -> None:
    model, folder = saved
    artifact.verify(folder)
    loaded = NgramLM.load(folder)
    assert loaded.config == model.config and loaded.tokens_ == model.tokens_ and loaded.trie_.rows == model.trie_.rows
    np.testing.assert_array_equal(loaded.discounts_, model.discounts_)
    for one, other in zip(model.log_probs(skewed_documents), loaded.log_probs(skewed_documents)):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(model.start([[6, 7]])[0], loaded.start([[6, 7]])[0])
    again = folder.parent / "again"
    with artifact.writing(again) as temporary:
        loaded.save_files(temporary)
    assert (again / "model.safetensors").read_bytes() == (folder / "model.safetensors").read_bytes()


@pytest.mark.parametrize("documents", [[], [[6]], [[6] * 50]], ids=str)
@pytest.mark.parametrize("order", [1, 2, 5])
def test_the_smallest_models_come_back(
    documents: list[list[int]], order: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hornbook.tokenizers, "load_tokenizer", IdsOnly.from_folder, raising=False)
    model = NgramLM(IdsOnly(SIZE), NgramConfig(order=order)).fit([np.array(d) for d in documents])
    model.save_files(tmp_path)
    np.testing.assert_array_equal(NgramLM.load(tmp_path).start([[], [6, 7]])[0], model.start([[], [6, 7]])[0])


def test_the_file_opens_with_safetensors(saved: tuple[NgramLM, Path]) -> None:
    from safetensors.numpy import load_file

    model, folder = saved
    tensors = load_file(folder / "model.safetensors")
    assert sorted(tensors) == ["backoffs", "children", "counts", "large_counts", "large_rows", "log_probs", "words"]
    for name, array in model.trie_.arrays().items():
        np.testing.assert_array_equal(tensors[name], array)


def change_record(**changes: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        record = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**record, **changes}))

    return change


def change_tensor(name: str, index: int, value: float) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        from safetensors.numpy import load_file, save_file

        tensors = load_file(folder / "model.safetensors")
        tensors[name][index] = value
        save_file(tensors, folder / "model.safetensors")

    return change


def rewrite(edit: Callable[[bytes], bytes], name: str = "model.safetensors") -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes(edit((folder / name).read_bytes())) and None


DAMAGE: dict[str, Callable[[Path], None]] = {
    "weights missing": lambda folder: (folder / "model.safetensors").unlink(),
    "configuration missing": lambda folder: (folder / "config.json").unlink(),
    "weights empty": rewrite(lambda data: b""),
    "weights cut": rewrite(lambda data: data[:-100]),
    "weights longer": rewrite(lambda data: data[:8] + b"[" + data[9:]),
    "header of 2^63 bytes": rewrite(lambda data: (2**63).to_bytes(8, "little") + data[8:]),
    "header is a list": rewrite(lambda data: (2).to_bytes(8, "little") + b"[]"),
    "configuration is no JSON": rewrite(lambda data: data[:-9], "config.json"),
    "configuration is a list": rewrite(lambda data: b"[]", "config.json"),
    "other model type": change_record(model_type="gpt2"),
    "extra key": change_record(extra=1),
    "negative rows": change_record(rows=[31, -2, 3, 4]),
    "too many rows": change_record(rows=[31, 2**31, 2**31, 2**31]),
    "rows of another order": change_record(rows=[31, 5]),
    "discounts as text": change_record(discounts=[["a", "b", "c"]] * 4),
    "unknown configuration key": change_record(config={"ordr": 4}),
    "a probability above 1": change_tensor("log_probs", 40, 1.0),
    "a probability that is no number": change_tensor("log_probs", 40, float("nan")),
    "an infinite back-off weight": change_tensor("backoffs", 40, float("-inf")),
    "continuations out of order": change_tensor("words", 40, 0),
    "a word outside the vocabulary": change_tensor("words", -1, 31),
    "continuations outside the file": change_tensor("children", 40, 2**32 - 1),
    "another tokenizer": lambda folder: IdsOnly(SIZE + 1).save_pretrained(folder),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_damage_is_one_line_that_names_the_file(saved: tuple[NgramLM, Path], damage: Callable[[Path], None]) -> None:
    _, folder = saved
    damage(folder)
    with pytest.raises(HornbookError) as caught:
        NgramLM.load(folder)
    assert str(folder) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("number", [300, pytest.param(2000, marks=pytest.mark.slow)])
def test_mutants_never_crash_the_query(saved: tuple[NgramLM, Path], skewed_documents: list[np.ndarray], number: int) -> None:
    """Damaged weight files: refused in one line, or loaded and queried within bounds (the manifest catches the rest)."""
    model, folder = saved
    path = folder / "model.safetensors"
    whole = path.read_bytes()
    random = np.random.default_rng(11)
    refused = 0
    for i in range(number):
        data = bytearray(whole)
        limit = 400 if i % 2 else len(data)  # half of them in the header
        for _ in range(int(random.integers(1, 4))):
            data[int(random.integers(limit))] = int(random.integers(256))
        if i % 5 == 0:
            begin, length = (int(n) for n in random.integers(0, 200, 2))
            data[begin : begin + length] = b"" if i % 10 else bytes(data[begin : begin + length]) * 2
        path.write_bytes(data)
        try:
            loaded = load_trie(path, model.trie_.rows)
        except ContentError:
            refused += 1
            continue
        mutant = NgramLM(IdsOnly(SIZE), model.config)
        mutant._trie = loaded
        assert np.isfinite(np.concatenate(mutant.log_probs(skewed_documents[:20]))).all()
        assert np.isfinite(mutant.start([skewed_documents[0]])[0]).all()
    assert refused > number / 2


def test_a_full_disk_leaves_the_old_model(
    saved: tuple[NgramLM, Path], monkeypatch: pytest.MonkeyPatch, skewed_documents: list[np.ndarray]
) -> None:
    model, folder = saved
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(DiskFullError, match="n-gram model not saved"), artifact.writing(folder) as temporary:
        model.save_files(temporary)
    artifact.verify(folder)
    assert [path.name for path in folder.parent.iterdir()] == ["model"]
    NgramLM.load(folder)


def test_a_model_of_real_text_comes_back_with_its_tokenizer(tmp_path: Path) -> None:
    from hornbook.tokenizers import TokenizerConfig, train_tokenizer

    texts = ["the cat sat on the mat", "the dog sat on the log", "语言模型学习语言"] * 5
    tokenizer = train_tokenizer(texts, TokenizerConfig(kind="chars"))
    model = NgramLM(tokenizer, NgramConfig(order=5)).fit(tokenizer.encode_batch(texts))
    with artifact.writing(tmp_path / "model") as folder:
        model.save_files(folder)
    artifact.verify(tmp_path / "model")
    loaded = NgramLM.load(tmp_path / "model")
    assert loaded.tokenizer.decode(loaded.tokenizer.encode(texts[2])) == texts[2]
    scores, state = loaded.start([loaded.tokenizer.encode("the c")])
    assert loaded.tokenizer.decode([int(scores[0].argmax())]) == "a"
    scores, _ = loaded.step(state, loaded.tokenizer.encode("a"))
    assert loaded.tokenizer.decode([int(scores[0].argmax())]) == "t"
