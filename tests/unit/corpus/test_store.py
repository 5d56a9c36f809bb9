import json
import random

import pytest

from hornbook.core.errors import ContentError, HornbookError, UsageError
from hornbook.corpus.store import TextStore, TextStoreWriter


def write(folder, texts):
    with TextStoreWriter(folder) as writer:
        for split, text in texts:
            writer.add(split, text)
    return TextStore.open(folder)


def test_texts_come_back_at_random_and_in_order(tmp_path):
    generator = random.Random(1)
    texts = ["".join(generator.choices("ab 语言\n\x00é𝄞", k=generator.randrange(60))) for _ in range(20_000)]
    store = write(tmp_path / "corpus", [("train", text) for text in texts])
    train = store.split("train")
    assert len(train) == len(texts) and list(train) == texts
    assert [train.text(index) for index in (0, 8191, 8192, 19_999, -1)] == [texts[i] for i in (0, 8191, 8192, 19_999, -1)]
    assert train.raw_bytes(77) == len(texts[77].encode())
    assert train.total_bytes == sum(len(text.encode()) for text in texts) == int(train.starts[-1])
    assert list(train.raw(19_990)) == [text.encode() for text in texts[19_990:]]
    with pytest.raises(IndexError):
        train.text(20_000)


def test_every_split_exists_even_when_empty(tmp_path):
    store = write(tmp_path / "corpus", [("train", "only")])
    assert {name: len(split) for name, split in store.splits.items()} == {"train": 1, "valid": 0, "test": 0}
    assert list(store.split("valid")) == []
    with pytest.raises(UsageError, match="train, valid, test"):
        store.split("dev")


def test_nothing_appears_when_writing_fails_and_the_old_store_survives(tmp_path):
    folder = tmp_path / "corpus"
    with pytest.raises(KeyboardInterrupt), TextStoreWriter(folder) as writer:
        writer.add("train", "half")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
    write(folder, [("train", "old")])
    with pytest.raises(UnicodeEncodeError), TextStoreWriter(folder) as writer:
        writer.add("train", "new")
        writer.add("train", "\ud800")
    assert list(TextStore.open(folder).split("train")) == ["old"]
    assert [path.name for path in tmp_path.iterdir()] == ["corpus"]


def test_fingerprint_follows_the_content(tmp_path):
    first = write(tmp_path / "a", [("train", "x"), ("train", "yz")])
    same = write(tmp_path / "b", [("train", "x"), ("train", "yz")])
    moved = write(tmp_path / "c", [("train", "x"), ("test", "yz")])
    assert first.fingerprint == same.fingerprint != moved.fingerprint


@pytest.mark.parametrize("damage", ["cut", "missing", "starts", "json", "key", "flip"])
def test_damage_is_named_in_one_line(tmp_path, damage):
    folder = tmp_path / "corpus"
    write(folder, [("train", "some text"), ("train", "more")])
    if damage == "cut":
        (folder / "train.bin").write_bytes(b"some")
    elif damage == "missing":
        (folder / "train.starts").unlink()
    elif damage == "starts":
        (folder / "train.starts").write_bytes(b"\xff" * 24)
    elif damage == "json":
        (folder / "index.json").write_text("{")
    elif damage == "key":
        (folder / "index.json").write_text(json.dumps({"format": "hornbook-text-1"}))
    else:
        (folder / "train.bin").write_bytes(b"SOME textmore")
    with pytest.raises(ContentError) as error:
        TextStore.open(folder, check=damage == "flip")
    assert "\n" not in str(error.value) and str(folder) in str(error.value)


def test_a_folder_that_is_no_store_is_a_usage_error(tmp_path):
    with pytest.raises(HornbookError) as error:
        TextStore.open(tmp_path)
    assert error.value.exit_code == 2
