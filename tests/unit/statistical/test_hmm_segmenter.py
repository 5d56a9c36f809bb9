from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hornbook.core import artifact
from hornbook.core.errors import ContentError, HornbookError, UsageError
from hornbook.core.events import Event, Note
from hornbook.statistical.hmm_segmenter import HmmSegmenter, SegmenterConfig

SENTENCES = [
    ["我们", "喜欢", "北京", "的", "秋天", "。"],
    ["他们", "在", "北京", "学习", "机器", "翻译", "。"],
    ["今天", "的", "天气", "很", "好", "，", "我们", "去", "公园", "。"],
    ["他", "有", "12000", "本", "书", "和", "3", "支", "笔", "。"],
    ["iPhone", "的", "价格", "很", "高", "。"],
    ["机器", "学习", "是", "人工", "智能", "的", "一", "部分", "。"],
] * 3


@pytest.fixture(scope="module")
def segmenter() -> HmmSegmenter:
    return HmmSegmenter().fit(SENTENCES)


def test_words_seen_are_found_in_new_sentences(segmenter: HmmSegmenter) -> None:
    assert segmenter("他们喜欢机器学习。") == ["他们", "喜欢", "机器", "学习", "。"]
    assert segmenter("他有2345本书。") == ["他", "有", "2345", "本", "书", "。"]
    assert segmenter.segment("Android的价格很好。")[0] == "Android"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\n\n",
        "我",
        "  我们 \t喜欢\u3000北京\n",
        "𠀀𠀁猫\ud800x",
        "abc",
        "é\u0301ж❤️",
        "１２３ＡＢＣ",
        "\u2028我\x00",
        "我" * 3000,
    ],
    ids=ascii,
)
def test_joined_words_are_the_text(segmenter: HmmSegmenter, text: str) -> None:
    words = segmenter(text)
    assert "".join(words) == text and all(words) == bool(words or text == "")
    assert all(word.isspace() or not any(character.isspace() for character in word) for word in words)


def test_many_texts_are_each_alone_and_threads_change_nothing(segmenter: HmmSegmenter) -> None:
    texts = ["".join(words) for words in SENTENCES] + ["", " 我们", "去 公园 "]
    assert segmenter.segment_many(texts) == [segmenter(text) for text in texts]
    assert HmmSegmenter(SegmenterConfig(threads=3)).fit(SENTENCES).segment_many(texts) == segmenter.segment_many(texts)
    assert segmenter.segment_many([]) == []


def test_the_best_tags_by_the_formula() -> None:
    """All 2^5 ways to cut a sentence, scored with dictionaries of counts: the segmenter's is the best."""
    train = [["天", "天气"], ["天气", "好"], ["好", "天", "气"], ["天气", "天"], ["气"]]
    segmenter = HmmSegmenter(SegmenterConfig(pair_weight=0.7, triple_weight=1.3, least=1)).fit(train)
    number = {character: 5 + i for i, character in enumerate(sorted("天气好"))}
    symbols = [[(0, "S"), (0, "S"), *tagged(words, number), (0, "S")] for words in train]
    triples = [tuple(row[i : i + 3]) for row in symbols for i in range(len(row) - 2)]
    pairs, singles = [triple[1:] for triple in triples], [triple[2] for triple in triples]
    characters = 8
    single = {(c, t): singles.count((c, t)) + 0.01 for c in range(characters) for t in "BMES"}
    for tag in "BMES":  # character 1 is an unknown one; 好 stands twice, nothing stands once
        single[1, tag] = 0.25 + 0.01
    total = sum(single.values())

    def p1(x: object) -> float:
        return single[x] / total  # type: ignore[index]

    def p2(x: object, y: object) -> float:
        seen = [pair for pair in pairs if pair[0] == x]
        if not seen:
            return p1(y)
        mass = 0.7 * len(set(seen))
        return (seen.count((x, y)) + mass * p1(y)) / (len(seen) + mass)

    def p3(x: object, y: object, z: object) -> float:
        seen = [triple for triple in triples if triple[:2] == (x, y)]
        if not seen or x == y == (0, "S"):
            return p2(y, z)
        mass = 1.3 * len(set(seen))
        return (seen.count((x, y, z)) + mass * p2(y, z)) / (len(seen) + mass)

    def score(words: list[str]) -> float:
        row = [(0, "S"), (0, "S"), *tagged(words, number), (0, "S")]
        return float(np.prod([p3(*row[i : i + 3]) for i in range(len(row) - 2)]))

    for text in ("天气天好", "好天气好气", "气气", "天猫好", "天"):
        number = {**number, "猫": 1}
        ways = [cut(text, bits) for bits in range(1 << (len(text) - 1))]
        scores = sorted((score(words) for words in ways), reverse=True)
        assert score(segmenter(text)) == pytest.approx(scores[0], rel=1e-3)


def tagged(words: list[str], number: dict[str, int]) -> list[tuple[int, str]]:
    tags = ("S" if len(word) == 1 else "B" + "M" * (len(word) - 2) + "E" for word in words)
    return [(number[character], tag) for word, row in zip(words, tags) for character, tag in zip(word, row)]


def cut(text: str, bits: int) -> list[str]:
    words = [text[0]]
    for place, character in enumerate(text[1:]):
        if bits >> place & 1:
            words.append(character)
        else:
            words[-1] += character
    return words


def test_user_words_stand_and_lines_are_reported(tmp_path: Path) -> None:
    segmenter = HmmSegmenter().fit(SENTENCES)
    assert "机器学习" not in segmenter("我们喜欢机器学习。")
    path = tmp_path / "words.txt"
    lines = "机器学习\n北京 100 ns\n\n秋天 n\n机器学习\n" + "长" * 65 + "\n两 个词\n一 x 三 四\n翻译 20\n"
    path.write_bytes(lines.encode("gb18030"))
    notes: list[Event] = []
    report = segmenter.add_dictionary(path, log=notes.append)
    assert report.used == 4 and segmenter.user_words_ == {"机器学习", "北京", "秋天", "翻译"}
    assert [(line.line, line.reason[:11]) for line in report.rejected] == [
        (5, "it is there"),
        (6, "it is longe"),
        (7, "it is not a"),
        (8, "it is not a"),
    ]
    told = "\n".join(note.text for note in notes if isinstance(note, Note))
    assert "4 lines used, 4 rejected" in told and "line 7: '两 个词' was not used" in told
    assert segmenter("我们喜欢机器学习。") == ["我们", "喜欢", "机器学习", "。"]
    assert segmenter.add_words(["机器学习方法"]).used == 1
    assert "机器学习方法" in segmenter("他们在北京机器学习方法。")  # the longest one
    with pytest.raises(UsageError, match="does not exist"):
        segmenter.add_dictionary(tmp_path / "none.txt")


@pytest.mark.parametrize(
    ("words", "text", "expected"),
    [
        ("克里斯蒂娜罗塞蒂", "克里斯蒂娜罗塞蒂在北京", "克里斯蒂娜罗塞蒂|在|北京"),  # a name never seen
        ("买买提·艾力", "买买提·艾力喜欢秋天", "买买提·艾力|喜欢|秋天"),
        ("我们喜", "我们喜欢", "我们喜|欢"),  # against every sentence it learned from
        ("们喜", "我们喜欢", "我|们喜|欢"),
        ("的的的", "的的的的", "的的的|的"),
        ("欢", "我们喜欢", "我们|喜|欢"),  # one character
        ("3D打印", "3D打印机器", "3D打印|机器"),
        ("K歌", "我们K歌", "我们|K歌"),
        ("iPhone15Pro", "他们喜欢iPhone15Pro。", "他们|喜欢|iPhone15Pro|。"),
        ("C++", "学习C++翻译", "学习|C++|翻译"),
        ("AT&T", "他们在AT&T学习", "他们|在|AT&T|学习"),
        ("AI", "MAIN", "MAIN"),  # inside a run of letters it is no word
        ("AI", "我们AI学习", "我们|AI|学习"),
        ("5G", "15G", "15G"),
        ("ＡＩ", "我们ＡＩ学习", "我们|ＡＩ|学习"),  # full width
        ("北京学 学习机器翻译", "在北京学习机器翻译", "在|北京|学习机器翻译"),  # the longer one wins, wherever it begins
        ("北京学 学习机", "在北京学习机器", "在|北京学|习|机器"),  # of equally long ones the left one
        ("机器 机器翻译 翻译方法", "机器翻译方法", "机器翻译|方法"),
        ("学习机器 机器翻译方", "学习机器翻译方法", "学习|机器翻译方|法"),
        ("😀😀", "我们😀😀", "我们|😀😀"),
        ("秋天", "秋 天", "秋| |天"),  # white space always parts
        ("𠮷野家", "在𠮷野家", "在|𠮷野家"),  # beyond the first 65,536 characters
        ("他们 他们在 在北京", "他们在北京", "他们在|北京"),
    ],
)  # fmt: skip
def test_a_user_word_always_stands_unless_a_longer_one_does(words: str, text: str, expected: str) -> None:
    segmenter = HmmSegmenter().fit(SENTENCES)
    assert segmenter.add_words(words.split()).used == len(words.split())
    found = segmenter(text)
    assert "".join(found) == text
    user = set(words.split())
    wanted = expected.split("|")
    assert [word for word in found if word in user] == [word for word in wanted if word in user]
    if user & set(wanted):  # what stands between the user's words is the model's to cut
        cuts = {sum(map(len, wanted[:k])) for k, word in enumerate(wanted) if word in user}
        assert cuts <= {sum(map(len, found[:k])) for k in range(len(found))}


def test_words_of_a_user_change_nothing_elsewhere() -> None:
    plain, own = HmmSegmenter().fit(SENTENCES), HmmSegmenter().fit(SENTENCES)
    own.add_words(["机器学习"])
    before = "我们在北京"
    assert own(before + "，机器学习")[: len(plain(before))] == plain(before)


def test_wrong_use_is_refused() -> None:
    with pytest.raises(ContentError, match="no words"):
        HmmSegmenter().fit([[], [" "]])
    with pytest.raises(UsageError, match="not trained"):
        HmmSegmenter()("我")
    with pytest.raises(UsageError, match="least"):
        SegmenterConfig(least=0)
    with pytest.raises(UsageError, match="pair_weight"):
        SegmenterConfig(pair_weight=float("inf"))
    with pytest.raises(TypeError, match="text 1"):
        HmmSegmenter().fit(SENTENCES).segment_many(["我", None])  # type: ignore[list-item]


@pytest.mark.parametrize("data", [[["我"]], [["我们"]], [["a"]], [["我", "们"]] * 2], ids=str)
def test_the_smallest_texts_train(data: list[list[str]]) -> None:
    assert "".join(HmmSegmenter().fit(data)("我们都abc")) == "我们都abc"


@pytest.fixture
def saved(segmenter: HmmSegmenter, tmp_path: Path) -> Path:
    with artifact.writing(tmp_path / "model") as folder:
        segmenter.save_files(folder)
    return tmp_path / "model"


def test_loaded_segmenter_is_the_saved_one(tmp_path: Path) -> None:
    segmenter = HmmSegmenter().fit(SENTENCES)
    segmenter.add_words(["机器学习"])
    with artifact.writing(tmp_path / "model") as folder:
        segmenter.save_files(folder)
    artifact.verify(tmp_path / "model")
    again = HmmSegmenter.load(tmp_path / "model")
    assert again.config == segmenter.config and again.user_words_ == segmenter.user_words_
    assert again.parameters == segmenter.parameters > 0 and again.words_seen_ == segmenter.words_seen_
    texts = ["".join(words) for words in SENTENCES] + ["他们在公园学习机器学习。"]
    assert again.segment_many(texts) == segmenter.segment_many(texts)


def record(**changes: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        content = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**content, **changes}))

    return change


def strings(**changes: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        content = json.loads((folder / "vocabulary.json").read_text())
        (folder / "vocabulary.json").write_text(json.dumps({**content, **changes}))

    return change


def tensor(name: str, index: int, value: int) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        from safetensors.numpy import load_file, save_file

        tensors = load_file(folder / "model.safetensors")
        tensors[name][index] = value
        save_file(tensors, folder / "model.safetensors")

    return change


DAMAGE: dict[str, Callable[[Path], None]] = {
    "weights missing": lambda folder: (folder / "model.safetensors").unlink(),
    "vocabulary missing": lambda folder: (folder / "vocabulary.json").unlink(),
    "fewer characters": strings(characters="我"),
    "a character twice": strings(characters="我我"),
    "a digit among the characters": strings(characters="1我"),
    "characters as a list": strings(characters=["我"]),
    "an empty user word": strings(user_words=[""]),
    "a user word of blanks": strings(user_words=["a b"]),
    "an extra key": strings(more=1),
    "more entries": record(entries=10**15),
    "no entries": record(entries=0),
    "other model type": record(model_type="hornbook-hmm"),
    "unknown setting": record(config={"pair": 1.0}),
    "a count of 0": tensor("counts", 0, 0),
    "a negative key": tensor("keys", 0, -5),
    "keys out of order": tensor("keys", 0, 2**62),
    "a symbol out of range": tensor("keys", -1, 2**63 - 1),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_damage_is_one_line(saved: Path, damage: Callable[[Path], None]) -> None:
    damage(saved)
    with pytest.raises(HornbookError) as caught:
        HmmSegmenter.load(saved)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("number", [100, pytest.param(2000, marks=pytest.mark.slow)])
def test_mutants_never_crash(saved: Path, number: int) -> None:
    """Damaged files: refused in one line, or loaded and used within bounds (the manifest catches the rest)."""
    random = np.random.default_rng(12)
    names = ("model.safetensors", "vocabulary.json", "config.json")
    whole = {name: (saved / name).read_bytes() for name in names}
    refused = 0
    for i in range(number):
        name = names[i % 3]
        data = bytearray(whole[name])
        for _ in range(int(random.integers(1, 4))):
            data[int(random.integers(len(data)))] = int(random.integers(256))
        (saved / name).write_bytes(data)
        try:
            assert "".join(HmmSegmenter.load(saved)("我们喜欢北京。x")) == "我们喜欢北京。x"
        except HornbookError as error:
            assert "\n" not in str(error)
            refused += 1
        (saved / name).write_bytes(whole[name])
    assert refused > number / 3
