"""Token shards: what was encoded comes back, long documents in pieces give the same ids, damage is one line."""

import json
import re

import numpy as np
import pytest

from hornbook.core.artifact import verify
from hornbook.core.errors import ContentError, UsageError
from hornbook.core.events import Progress
from hornbook.corpus import shards as room
from hornbook.corpus.shards import Shards, ShardSplit, encode_store, fingerprint_tokenizer, token_type
from hornbook.corpus.store import TextStore, TextStoreWriter
from hornbook.tokenizers import TokenizerConfig, train_tokenizer


class Bytes:
    """One id a byte; with `sticky` a line end and what follows it become one id, so that some cuts do harm."""

    def __init__(self, size=300, sticky=False):
        self.specials = {"pad": 0, "unknown": 1, "start": 2, "end": 3}
        self.size, self.sticky = size, sticky
        self.longest = 0

    def encode(self, text):
        return self.encode_batch([text])[0]

    def encode_batch(self, texts):
        self.longest = max([self.longest, *map(len, texts)])
        parts = [re.findall(r"\n.|.|\n", text, re.DOTALL) if self.sticky else list(text) for text in texts]
        return [np.array([4 + sum(part.encode()) % 296 for part in split], dtype=np.uint32) for split in parts]

    def save_pretrained(self, folder):
        (folder / "tokenizer.json").write_text(json.dumps({"size": self.size, "sticky": self.sticky}))


TEXTS = {"train": ["one two\nthree", "", "中文 text"], "valid": ["held out"], "test": []}


def store(folder, texts=TEXTS):
    with TextStoreWriter(folder) as writer:
        for split, documents in texts.items():
            for text in documents:
                writer.add(split, text)
    return TextStore.open(folder)


def encode(tmp_path, texts=TEXTS, tokenizer=None, log=lambda event: None):
    tokenizer = tokenizer or Bytes()
    return encode_store(store(tmp_path / "texts", texts), tokenizer, tmp_path / "shards", log=log)


def test_round_trip(tmp_path):
    events = []
    encode(tmp_path, log=events.append)
    shards = Shards.open(tmp_path / "shards")
    tokenizer = Bytes()
    assert shards.vocabulary_size == 300 and dict(shards.specials) == tokenizer.specials
    for name, texts in TEXTS.items():
        split = shards.split(name)
        assert len(split) == len(texts) and split.tokens.dtype == np.uint16
        assert [ids.tolist() for ids in split.documents()] == [tokenizer.encode(text).tolist() for text in texts]
        assert split.raw_bytes.tolist() == [len(text.encode()) for text in texts]
        assert split.total_bytes == sum(len(text.encode()) for text in texts)
    assert isinstance(shards.split("train").tokens, np.memmap)
    assert events[-1] == Progress("encode", 32, 32, "bytes")
    verify(tmp_path / "shards")
    shards.require_tokenizer(Bytes())
    with pytest.raises(UsageError, match="another tokenizer"):
        shards.require_tokenizer(Bytes(sticky=True))


def test_fingerprint_names_the_content(tmp_path):
    first = encode(tmp_path / "a").fingerprint
    assert encode(tmp_path / "b").fingerprint == first
    changed = {**TEXTS, "train": ["one two\nthreE", "", "中文 text"]}
    assert encode(tmp_path / "c", changed).fingerprint != first
    assert encode(tmp_path / "d", tokenizer=Bytes(size=301)).fingerprint != first
    moved = {**TEXTS, "train": ["one two\nthre", "e", "中文 text"]}
    assert encode(tmp_path / "e", moved).fingerprint != first


def test_many_batches_and_long_documents_in_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "_BATCH", 300)
    monkeypatch.setattr(room, "_LONG", 200)
    monkeypatch.setattr(room, "_PIECE", 50)
    generator = np.random.default_rng(1)
    texts = ["".join(generator.choice(list("ab \n语"), size)) for size in (0, 1000, 3, 199, 201, 5000, 0, 40)]
    for sticky in (False, True):  # with sticky line ends, only a cut behind an even number of them changes no id
        tokenizer = Bytes(sticky=sticky)
        split = encode(tmp_path / str(sticky), {"train": texts}, tokenizer).split("train")
        assert tokenizer.longest <= 2 * room._WINDOW  # the window of a trial cut: no long document went in whole
        assert [ids.tolist() for ids in split.documents()] == [tokenizer.encode(text).tolist() for text in texts]


def test_a_document_that_no_cut_leaves_alone_is_encoded_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "_LONG", 200)
    monkeypatch.setattr(room, "_PIECE", 50)
    text = "word\nword " * 300
    tokenizer = Bytes(sticky=True)
    split = encode(tmp_path, {"train": [text]}, tokenizer).split("train")
    assert tokenizer.longest == len(text)
    assert split.document(0).tolist() == tokenizer.encode(text).tolist()


@pytest.mark.parametrize("kind", ["bpe", "wordpiece", "unigram", "words", "chars"])
def test_real_tokenizers_give_the_same_ids_in_pieces(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(room, "_LONG", 2000)
    monkeypatch.setattr(room, "_PIECE", 500)
    generator = np.random.default_rng(2)
    words = ["the", "cat", " ", "\n", "\n\n", "、中文", "don't", "12", "\r\n", "  "]
    text = " ".join(generator.choice(words, 6000))
    tokenizer = train_tokenizer([text], TokenizerConfig(kind=kind, size=600))
    split = encode(tmp_path, {"train": [text]}, tokenizer).split("train")
    assert np.array_equal(split.document(0), tokenizer.encode(text))
    assert tokenizer.decode(split.document(0)) == text


def test_wide_vocabularies_take_uint32(tmp_path):
    assert token_type(65_536) == np.uint16 and token_type(65_537) == np.uint32
    split = encode(tmp_path, tokenizer=Bytes(size=70_000)).split("train")
    assert split.tokens.dtype == np.uint32
    assert split.document(0).tolist() == Bytes().encode("one two\nthree").tolist()


def test_ids_outside_the_vocabulary_stop_the_encoding(tmp_path):
    with pytest.raises(ContentError, match="outside its vocabulary of 50"):
        encode(tmp_path, tokenizer=Bytes(size=50))
    assert not (tmp_path / "shards").exists()


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("train.tokens.bin", lambda raw: raw[:-1], "has .* bytes, the index says"),
        ("train.tokens.bin", lambda raw: b"\xff\xff" + raw[2:], "token id 65535 is outside the vocabulary of 300"),
        ("train.starts.bin", lambda raw: raw[:8] + b"\xff" * 8 + raw[16:], "offsets do not fit"),
        ("train.starts.bin", lambda raw: raw[:-8] + bytes(8), "offsets do not fit"),
        ("train.bytes.bin", lambda raw: b"\xff" * 8 + raw[8:], "-1 bytes in a document"),
        ("valid.bytes.bin", lambda raw: b"", "has 0 bytes"),
        ("index.json", lambda raw: raw[: len(raw) // 2], "damaged"),
        ("index.json", lambda raw: raw.replace(b'"tokens": 20', b'"tokens": -20'), "damaged"),
        ("index.json", lambda raw: raw.replace(b'"uint16"', b'"object"'), "damaged"),
        ("index.json", lambda raw: raw.replace(b"hornbook-tokens-1", b"hornbook-tokens-9"), "format"),
    ],
)
def test_damage_is_one_line(tmp_path, name, change, message):
    encode(tmp_path)
    path = tmp_path / "shards" / name
    before = path.read_bytes()
    path.write_bytes(change(before))
    assert path.read_bytes() != before
    with pytest.raises(ContentError, match=message) as error:
        Shards.open(tmp_path / "shards")
    assert "\n" not in str(error.value) and name in str(error.value)


def test_a_huge_count_in_the_index_allocates_nothing(tmp_path):
    encode(tmp_path)
    path = tmp_path / "shards" / "index.json"
    path.write_text(path.read_text().replace('"tokens": 20', '"tokens": 20000000000000'))
    with pytest.raises(ContentError, match=r"train\.tokens\.bin has 40 bytes, the index says 40000000000000"):
        Shards.open(tmp_path / "shards")


def test_missing_folder_and_split(tmp_path):
    with pytest.raises(UsageError, match="holds no token shards"):
        Shards.open(tmp_path / "absent")
    with pytest.raises(UsageError, match="no split 'dev'"):
        encode(tmp_path).split("dev")


def test_in_memory():
    split = ShardSplit.from_documents([[1, 2, 3], [], np.array([70_000])], [9, 0, 4])
    assert len(split) == 3 and split.tokens.dtype == np.uint32
    assert [ids.tolist() for ids in split.documents()] == [[1, 2, 3], [], [70_000]]
    assert split.document(-1).tolist() == [70_000] and split.total_bytes == 13
    assert ShardSplit.from_documents([[1], [2, 3]]).raw_bytes.tolist() == [1, 2]
    with pytest.raises(IndexError):
        split.document(3)
    with pytest.raises(ValueError, match="raw byte counts"):
        ShardSplit.from_documents([[1]], [1, 2])
    with pytest.raises(ValueError, match="token ids"):
        ShardSplit.from_documents([[-1]])


def test_tokenizer_fingerprint():
    assert fingerprint_tokenizer(Bytes()) == fingerprint_tokenizer(Bytes()) != fingerprint_tokenizer(Bytes(size=9))
