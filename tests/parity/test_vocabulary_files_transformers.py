"""Folders from before tokenizer.json: vocab.txt, and vocab.json with merges.txt, give the ids that transformers gives."""

import json

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from hornbook.core.errors import ContentError
from hornbook.tokenizers import load_tokenizer

transformers = pytest.importorskip("transformers")

TEXTS = [
    "The cat didn't sit on the mat; it was NOT amused. Café, naïve, Ångström, ﬁn.",
    "自然语言处理是人工智能的一个方向，模型的大小是 42 MB。漢字と仮名",
    "Ελληνικά, русский текст, العربية, हिन्दी 🙂👩‍👩‍👧 emoji",
    "tabs\tand\nlines\r\n\u00a0spaces\u3000wide \x00\x07 \ufffd soft\u00adhyphen",
    "",
    " ",
    "a" * 150,
    "##piece [UNKNOWN] <thing>",
]
SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def wordpieces():
    characters = sorted({character for text in TEXTS for character in text if not character.isspace()})
    folded = sorted({character.lower() for character in characters} | set(characters))
    words = [
        "the",
        "cat",
        "##n",
        "mat",
        "cafe",
        "Café",
        "naive",
        "##iv",
        "##ve",
        "am",
        "##used",
        "didn",
        "自",
        "not",
        "NOT",
        "##e",
    ]
    return list(dict.fromkeys([*SPECIALS, *words, *folded, *("##" + character for character in folded)]))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"do_lower_case": False},
        {"do_lower_case": True, "strip_accents": False},
        {"tokenize_chinese_chars": False},
        {"cls_token": {"content": "[CLS]", "__type": "AddedToken"}, "sep_token": "[SEP]", "model_max_length": 512},
    ],
)
def test_vocab_txt(settings, tmp_path):
    (tmp_path / "vocab.txt").write_text("\n".join(wordpieces()) + "\n", "utf-8")
    if settings:
        (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    ours = load_tokenizer(tmp_path)
    theirs = transformers.BertTokenizer.from_pretrained(tmp_path)
    for text in TEXTS:
        assert ours.encode(text).tolist() == theirs(text, add_special_tokens=False)["input_ids"], text
    assert dict(ours.specials) == {"pad": 0, "unknown": 1, "start": 2, "end": 3, "mask": 4, "separator": 3}
    assert ours.size == len(theirs) and 4 not in ours.encode("[MASK]").tolist()
    (tmp_path / "again").mkdir()
    ours.save_pretrained(tmp_path / "again")
    again = load_tokenizer(tmp_path / "again")
    assert [again.encode(text).tolist() for text in TEXTS] == [ours.encode(text).tolist() for text in TEXTS]


@pytest.mark.parametrize("kind", ["RobertaTokenizer", "GPT2Tokenizer"])
def test_vocab_json_and_merges(kind, tmp_path):
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"] if kind == "RobertaTokenizer" else ["<|endoftext|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=340, special_tokens=special, initial_alphabet=alphabet, show_progress=False)
    backend.train_from_iterator(TEXTS * 3, trainer)
    backend.model.save(str(tmp_path))
    assert (tmp_path / "vocab.json").is_file() and (tmp_path / "merges.txt").is_file()
    ours = load_tokenizer(tmp_path)
    theirs = getattr(transformers, kind).from_pretrained(tmp_path)
    for text in TEXTS:
        assert ours.encode(text).tolist() == theirs(text, add_special_tokens=False)["input_ids"], text
        assert ours.decode(ours.encode(text)) == text
    if kind == "RobertaTokenizer":
        expected = {"pad": 1, "unknown": 3, "start": 0, "end": 2, "mask": 4, "separator": 2}
        assert dict(ours.specials) == expected
    else:
        assert dict(ours.specials) == {"start": 0, "end": 0}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("vocab.txt", b"[PAD]\n[UNK]\n[SEP]\na\na\n", "a token stands in it twice"),
        ("vocab.txt", b"[PAD]\na\n", r"no \[UNK\] in it"),
        ("vocab.txt", b"\xff\xfe\n", "is damaged"),
        ("vocab.txt", b"[UNK]\na\n", "names no end token"),
        ("vocab.json", b"[1, 2]", "not a table of tokens and ids"),
        ("vocab.json", b'{"a": "b"}', "not a table of tokens and ids"),
        ("vocab.json", b'{"a": 999999999999}', "is damaged"),
        ("vocab.json", b'{"a": 0, "</s>": 1', "is damaged"),
        ("merges.txt", b"#version: 0.2\na c\n", "line 2 of merges.txt does not join"),
    ],
)
def test_damaged_files_are_refused_in_one_line(name, content, message, tmp_path):
    if name != "vocab.txt":
        (tmp_path / "vocab.json").write_text(json.dumps({"a": 0, "b": 1, "ab": 2, "</s>": 3}))
        (tmp_path / "merges.txt").write_text("#version: 0.2\na b\n")
        assert load_tokenizer(tmp_path).encode("ab").tolist() == [2]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ContentError, match=message) as caught:
        load_tokenizer(tmp_path)
    assert "\n" not in str(caught.value)
