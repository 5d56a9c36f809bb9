"""Damaged and missing tokenizer files are one line of error, never a crash or a silent success."""

import json
import random
from pathlib import Path

import pytest

from hornbook.core.errors import ContentError, HornbookError, UsageError
from hornbook.tokenizers import KINDS, TextTokenizer, load_tokenizer


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nothing", tmp_path / "tokenizer.json"):
        with pytest.raises(UsageError, match="does not exist"):
            load_tokenizer(path)


NO_TOKENIZERS = [b"", b"{}", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"model": 3}', b'{"model": {}}']
NO_TOKENIZERS += [
    b'{"version": "1.0", "model": {"type": "Nonsense"}}',
    b'{"model": {"type": "BPE", "vocab": {}, "merges": []}}',
]


@pytest.mark.parametrize("content", NO_TOKENIZERS, ids=range(len(NO_TOKENIZERS)))
def test_a_file_that_is_no_tokenizer_is_one_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_bytes(content)
    with pytest.raises(ContentError, match="damaged") as caught:
        load_tokenizer(tmp_path)
    assert "\n" not in str(caught.value) and str(tmp_path) in str(caught.value)


def test_an_id_of_two_billion_is_refused(trained: dict[str, TextTokenizer], tmp_path: Path) -> None:
    table = json.loads(trained["words"].to_json())
    last = max(table["model"]["vocab"], key=table["model"]["vocab"].__getitem__)
    table["model"]["vocab"][last] = 2**31 - 1
    (tmp_path / "tokenizer.json").write_text(json.dumps(table))
    with pytest.raises(ContentError, match="ids up to 2147483647"):
        load_tokenizer(tmp_path)


def test_padding_and_truncation_of_a_file_are_not_taken_over(trained: dict[str, TextTokenizer], tmp_path: Path) -> None:
    table = json.loads(trained["bpe"].to_json())
    table["truncation"] = {"direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0}
    padding = {"direction": "Right", "pad_to_multiple_of": None, "pad_id": 0, "pad_type_id": 0, "pad_token": "<pad>"}
    table["padding"] = {"strategy": {"Fixed": 2**40}, **padding}
    (tmp_path / "tokenizer.json").write_text(json.dumps(table))
    assert load_tokenizer(tmp_path).encode("a b c d").tolist() == trained["bpe"].encode("a b c d").tolist()


def test_damaged_settings_are_named(trained: dict[str, TextTokenizer], tmp_path: Path) -> None:
    table = json.loads(trained["bpe"].to_json())
    table["added_tokens"] = []
    (tmp_path / "tokenizer.json").write_text(json.dumps(table))
    (tmp_path / "tokenizer_config.json").write_text("{not json")
    with pytest.raises(ContentError, match=r"tokenizer_config\.json is damaged"):
        load_tokenizer(tmp_path)


def test_code_in_settings_is_neither_run_nor_kept(trained: dict[str, TextTokenizer], tmp_path: Path) -> None:
    table = json.loads(trained["bpe"].to_json())
    table["added_tokens"][0]["content"] = "[PAD]"  # foreign now
    table["model"]["vocab"]["[PAD]"] = table["model"]["vocab"].pop("<pad>")
    (tmp_path / "tokenizer.json").write_text(json.dumps(table))
    (tmp_path / "tokenizer_config.json").write_text(
        json.dumps({"auto_map": {"AutoTokenizer": "evil.Evil"}, "eos_token": "</s>"})
    )
    tokenizer = load_tokenizer(tmp_path)
    assert tokenizer.kind == "foreign"
    tokenizer.save_pretrained(tmp_path)
    assert "auto_map" not in json.loads((tmp_path / "tokenizer_config.json").read_text())


@pytest.mark.faults
@pytest.mark.parametrize("kind", KINDS)
def test_mutants_load_or_are_one_line(kind: str, trained: dict[str, TextTokenizer], tmp_path: Path) -> None:
    whole = trained[kind].to_json().encode()
    draw = random.Random(kind)
    path = tmp_path / "tokenizer.json"
    refused = 0
    for number in range(60):
        data = bytearray(whole)
        place = draw.randrange(len(data))
        match number % 5:
            case 0:
                data[place] ^= 1 << draw.randrange(8)
            case 1:
                del data[place:]
            case 2:
                data[place : place + draw.randrange(40)] = b""
            case 3:
                data[place:place] = whole[draw.randrange(len(whole)) :][: draw.randrange(40)]
            case _:
                digits = [index for index, byte in enumerate(whole) if 48 <= byte < 58]
                data[draw.choice(digits) : place] = draw.choice([b"-1", b"0", b"2147483647", b"9223372036854775807"])
        path.write_bytes(data)
        try:
            tokenizer = load_tokenizer(path)
            tokenizer.decode(tokenizer.encode("some text 文本"))
        except HornbookError as error:
            refused += 1
            assert "\n" not in str(error)
    assert refused > 30
