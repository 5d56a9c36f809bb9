"""The saved folder opens in transformers with equal ids and equal text, and foreign tokenizer.json files open here."""

import json
from pathlib import Path

import pytest
import tokenizers
from tokenizers import AddedToken, decoders, models, normalizers, pre_tokenizers, processors, trainers

from hornbook.core.errors import ContentError
from hornbook.tokenizers import KINDS, TokenizerConfig, load_tokenizer, train_tokenizer

transformers = pytest.importorskip("transformers")
TEXTS = [
    "The cat sat on the mat, and the dog didn't mind. In 1984 there were 12,345 of them!\n",
    "自然语言处理是人工智能的一个方向。我们用 Linux 内核训练语言模型，模型的大小是 42 MB。\n\n",
    "  indented\tcode = {'a': 1}\r\n    return x == y , and n't . a ? b !\n",
    "Ελληνικά, русский текст, العربية, हिन्दी, ไทย, 日本語のテキスト, 한국어 문장 🙂👩‍👩‍👧\n",
] * 5
MORE = ["", " ", "unseen 漢字 words", "<s>a</s> <mask> <pad> <unk> <sep>", "##x ↳y Ġz", "\x00\x07", "a" * 200, "好" * 200]


@pytest.mark.parametrize("kind", KINDS)
def test_transformers_gives_equal_ids_and_text(kind: str, tmp_path: Path) -> None:
    ours = train_tokenizer(TEXTS, TokenizerConfig(kind, size=700))
    ours.save_pretrained(tmp_path)
    theirs = transformers.PreTrainedTokenizerFast.from_pretrained(tmp_path)
    alone = transformers.PreTrainedTokenizerFast(tokenizer_file=str(tmp_path / "tokenizer.json"), split_special_tokens=True)
    for text in TEXTS + MORE:
        ids = ours.encode(text).tolist()
        for other in (theirs, alone):
            assert other(text, add_special_tokens=False)["input_ids"] == ids
            assert other.decode(ids) == ours.decode(ids) == text
    assert len(theirs) == ours.size
    names = ("pad_token_id", "unk_token_id", "bos_token_id", "eos_token_id", "mask_token_id", "sep_token_id")
    assert [getattr(theirs, name) for name in names] == list(range(6))
    assert theirs.model_max_length > 10**9
    assert theirs.decode([2, *ours.encode("a b").tolist(), 3], skip_special_tokens=True) == "a b"


@pytest.mark.parametrize("model_type", ["gpt2", "bert", "roberta", "llama"])
def test_auto_tokenizer_beside_a_model_config_keeps_the_ids(model_type: str, tmp_path: Path) -> None:
    ours = train_tokenizer(TEXTS, TokenizerConfig("bpe", size=700))
    ours.save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": model_type, "vocab_size": ours.size}))
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
    for text in TEXTS + MORE:
        assert theirs(text, add_special_tokens=False)["input_ids"] == ours.encode(text).tolist()
        assert theirs.decode(ours.encode(text)) == text


def test_what_transformers_saves_again_is_still_ours(tmp_path: Path) -> None:
    ours = train_tokenizer(TEXTS, TokenizerConfig("unigram", size=700))
    ours.save_pretrained(tmp_path / "")
    transformers.PreTrainedTokenizerFast.from_pretrained(tmp_path).save_pretrained(tmp_path / "again")
    again = load_tokenizer(tmp_path / "again")
    assert again.kind == "unigram" and dict(again.specials) == dict(ours.specials)
    assert again.encode(TEXTS[1]).tolist() == ours.encode(TEXTS[1]).tolist()


def _bert(folder: Path) -> None:
    backend = tokenizers.Tokenizer(models.WordPiece(unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer(lowercase=True)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece()
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    backend.train_from_iterator(TEXTS, trainers.WordPieceTrainer(vocab_size=300, special_tokens=specials, show_progress=False))
    backend.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    backend.enable_padding(length=64)
    backend.enable_truncation(8)
    backend.save(str(folder / "tokenizer.json"))


def _gpt2(folder: Path) -> None:
    backend = tokenizers.Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    backend.train_from_iterator(TEXTS, trainers.BpeTrainer(vocab_size=400, initial_alphabet=alphabet, show_progress=False))
    backend.add_special_tokens([AddedToken("<|endoftext|>", special=True)])
    backend.save(str(folder / "tokenizer.json"))


def test_a_bert_tokenizer_opens_with_its_own_names(tmp_path: Path) -> None:
    _bert(tmp_path)
    ours = load_tokenizer(tmp_path)
    theirs = transformers.PreTrainedTokenizerFast(tokenizer_file=str(tmp_path / "tokenizer.json"))
    assert dict(ours.specials) == {"pad": 0, "unknown": 1, "start": 2, "end": 3, "mask": 4, "separator": 3}
    assert ours.kind == "foreign" and not ours.lossless
    text = "the cat didn't sit on the mat, 自然语言"
    ids = ours.encode(text).tolist()
    assert ids == theirs(text, add_special_tokens=False, truncation=False, padding=False)["input_ids"]
    assert ours.decode([2, *ids, 3, 0]) == theirs.decode(ids, skip_special_tokens=True)
    assert 4 not in ours.encode("[MASK]").tolist()
    ours.save_pretrained(tmp_path / "")
    assert load_tokenizer(tmp_path).encode(text).tolist() == ids


def test_a_gpt2_tokenizer_opens_with_one_token_for_start_and_end(tmp_path: Path) -> None:
    _gpt2(tmp_path)
    ours = load_tokenizer(tmp_path)
    assert dict(ours.specials) == {"start": 400, "end": 400} and ours.size == 401
    for text in TEXTS:
        assert ours.decode(ours.encode(text)) == text
    assert 400 not in ours.encode("<|endoftext|>").tolist()


def test_settings_beside_the_file_name_the_special_tokens(tmp_path: Path) -> None:
    _gpt2(tmp_path)
    settings = {"eos_token": {"content": "<|endoftext|>", "lstrip": False}, "pad_token": "!", "bos_token": None}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    ours = load_tokenizer(tmp_path)
    assert ours.specials["end"] == 400 and ours.tokens([ours.specials["pad"]]) == ["!"]


def test_a_tokenizer_without_an_end_is_refused(tmp_path: Path) -> None:
    tokenizers.Tokenizer(models.WordLevel({"a": 0}, unk_token="a")).save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(ContentError, match="names no end token"):
        load_tokenizer(tmp_path)
