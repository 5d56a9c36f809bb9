"""Races as they come out: an English one with a clear winner, a Chinese one with a tie at the top."""

from __future__ import annotations

import math

import pytest

from hornbook.compare.advice import pick_best
from hornbook.compare.results import (
    CorpusSummary,
    CurvePoint,
    MachineSummary,
    RaceResult,
    RaceRow,
    SplitSummary,
    TokenizerSummary,
)
from hornbook.scoring.long_range import ContextCurve, ContextPoint

MACHINE = MachineSummary("Intel(R) Xeon(R) Processor @ 2.10GHz", 2, 2, 16.0, "cpu", {"bfloat16": "AMX"})


def curve(seconds: float, speed: float, start: float, end: float, *, decay: float = 0.75) -> tuple[CurvePoint, ...]:
    """Falling as a power of time, with the dip that a falling learning rate brings near the end."""
    points = []
    for number in range(1, 25):
        time = seconds * (0.015 if number == 1 else 0.04 if number == 2 else (number - 1) / 23) if number < 24 else seconds
        share = (math.log(time + 2) - math.log(2)) / (math.log(seconds + 2) - math.log(2))
        bits = end + 0.03 + (start - end) * (1 - share) ** (1.6 / decay) - 0.03 * max(0.0, (number - 19) / 5)
        points.append((time, int(time * speed), bits))
    return tuple(points)


def context(*worse: float) -> ContextCurve:
    """Loss against the longest context, for 0, 1, 2, 4, ... tokens in sight."""
    lengths = (0, *(2**number for number in range(len(worse))))
    losses = (2.0, *worse)
    points = tuple(
        ContextPoint(length, 3.0 + loss, (2.8 + loss, 3.2 + loss), loss, (loss - 0.02, loss + 0.03))
        for length, loss in zip(lengths, losses)
    )
    return ContextCurve(points, next(point.context for point in points if point.worse <= 0.02), 400)


def row(name: str, generation: int, family: str, bits: float, half: float, **more: object) -> RaceRow:
    """A contestant with the interval bits ± half."""
    values: dict[str, object] = dict(
        bits_per_byte=bits,
        bits_per_byte_ci95=(bits - half, bits + half),
        share_seconds=130.0,
        model=f"models/{name}",
        actual={
            "seconds": more["train_seconds"],
            "tokens": more["tokens_seen"],
            "bits_per_byte": bits,
            "size_mb": more["size_mb"],
        },
    )
    return RaceRow(name, generation, family, **(values | more))  # type: ignore[arg-type]


@pytest.fixture
def english_race() -> RaceResult:
    return make_english_race()


@pytest.fixture
def chinese_race() -> RaceResult:
    return make_chinese_race()


def make_english_race() -> RaceResult:
    prompts = ("It was a bright cold day", "The old man")
    rows = (
        row(
            "gpt",
            4,
            "gpt",
            1.657,
            0.014,
            rank=1,
            train_seconds=362.1,
            tokens_seen=9_830_400,
            epochs=4.1,
            peak_rss_mb=1420.3,
            size_mb=21.4,
            latency_ms=2.91,
            parameters=5_343_744,
            cloze_accuracy=0.612,
            cloze_accuracy_ci95=(0.59, 0.634),
            shape="4 layers, width 256, context 256",
            context=context(0.62, 0.45, 0.33, 0.22, 0.13, 0.06, 0.02, 0.0),
            curve=curve(362.1, 27150, 3.4, 1.657),
            forecast={"seconds": 360, "tokens": 10_400_000, "bits_per_byte": 1.69, "size_mb": 21.4},
            samples=(
                "It was a bright cold day in the early part of the month, and the sun was shining through the window of "
                "the little room in which "
                "I had been sitting for an hour, when the door opened and a tall man came in.",
                "The old man looked at him with a curious smile. “You have been a long time about it,” said he, “and I am "
                "not sure that you are right.”",
            ),
        ),
        row(
            "5-gram",
            2,
            "ngram",
            1.724,
            0.013,
            rank=2,
            train_seconds=3.62,
            tokens_seen=2_391_200,
            epochs=1.0,
            peak_rss_mb=612.0,
            size_mb=58.3,
            latency_ms=0.041,
            parameters=6_120_311,
            cloze_accuracy=0.541,
            shape="order 5, modified Kneser-Ney",
            context=context(0.25, 0.05, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
            behind_best=0.067,
            behind_best_ci95=(0.052, 0.081),
            forecast={"seconds": 4.4, "tokens": 2_391_200, "bits_per_byte": 1.74, "size_mb": 61.0},
            samples=(
                "It was a bright cold day of the week, and he had been a good deal of the water, and the door of the house "
                "of the Lord.",
                "The old man was the only one who had been in the habit of the place, and then he said, “I have no doubt "
                "of it.”",
            ),
        ),
        row(
            "lstm",
            3,
            "lstm",
            1.774,
            0.014,
            rank=3,
            tied_with=("gru",),
            train_seconds=361.4,
            tokens_seen=6_220_800,
            epochs=2.6,
            peak_rss_mb=1180.8,
            size_mb=25.1,
            latency_ms=1.12,
            parameters=6_293_504,
            cloze_accuracy=0.552,
            shape="1 layer, width 512",
            context=context(0.61, 0.4, 0.2, 0.1, 0.05, 0.01, 0.0, 0.0),
            behind_best=0.117,
            behind_best_ci95=(0.1, 0.13),
            curve=curve(361.4, 17210, 3.9, 1.774, decay=0.9),
            forecast={"seconds": 360, "tokens": 3_900_000, "bits_per_byte": 1.75, "size_mb": 25.2},
            samples=(
                "It was a bright cold day, and I was glad to see the great crowd of people that had come to the house of "
                "Mr. Wemmick.",
                "The old man was a little man with a large head, and he was a very good man, and he said to me, “My dear sir.”",
            ),
        ),
        row(
            "gru",
            3,
            "gru",
            1.779,
            0.014,
            rank=3,
            tied_with=("lstm",),
            train_seconds=360.9,
            tokens_seen=6_912_000,
            epochs=2.9,
            peak_rss_mb=1102.4,
            size_mb=23.0,
            latency_ms=1.02,
            parameters=5_767_168,
            cloze_accuracy=0.549,
            shape="1 layer, width 512",
            behind_best=0.122,
            behind_best_ci95=(0.105, 0.138),
            curve=curve(360.9, 19150, 3.8, 1.779, decay=0.92),
            forecast={"seconds": 360, "tokens": 6_500_000, "bits_per_byte": 1.78, "size_mb": 23.0},
            samples=(
                "It was a bright cold day, and the wind blew the smoke about the chimney till the whole room was dark.",
                "The old man had taken the candle from the table, and was going to the window, when he stopped.",
            ),
        ),
        row(
            "rnn",
            3,
            "rnn",
            1.948,
            0.015,
            rank=5,
            train_seconds=358.3,
            tokens_seen=8_110_080,
            epochs=3.4,
            peak_rss_mb=941.2,
            size_mb=18.8,
            latency_ms=0.71,
            parameters=4_718_592,
            cloze_accuracy=0.487,
            shape="1 layer, width 512",
            too_small_to_judge=True,
            behind_best=0.291,
            behind_best_ci95=(0.27, 0.31),
            curve=curve(358.3, 22630, 4.0, 1.948),
            forecast={"seconds": 360, "tokens": 8_000_000, "bits_per_byte": 1.9, "size_mb": 18.8},
            alarms=("The gradient was clipped in 41 % of the steps: lower the learning rate with --training.learning-rate.",),
            samples=(
                "It was a bright cold day to the right of the rest, and the man was not to be seen in the air of the house.",
                "The old man and the other was to be a man of the same that he had not been to the house.",
            ),
        ),
        row(
            "unigram",
            2,
            "ngram",
            3.214,
            0.009,
            rank=6,
            train_seconds=0.21,
            tokens_seen=2_391_200,
            epochs=1.0,
            peak_rss_mb=310.5,
            size_mb=0.11,
            latency_ms=0.032,
            parameters=8192,
            cloze_accuracy=0.102,
            shape="order 1",
            behind_best=1.557,
            behind_best_ci95=(1.53, 1.58),
            forecast={"seconds": 0.3, "tokens": 2_391_200, "bits_per_byte": 3.2, "size_mb": 0.1},
            notes=("The baseline that every model has to beat: word frequencies alone.",),
            samples=(
                "It was a bright cold day the, of . and a his not “ that was upon I ,ing the",
                "The old man of, the and . to her I he in that",
            ),
        ),
    )
    return RaceResult(
        CorpusSummary(
            "books-en",
            {
                "train": SplitSummary(19, 9_412_338, 2_391_200),
                "valid": SplitSummary(2, 702_113, 178_010),
                "test": SplitSummary(3, 1_120_004, 284_400),
            },
            "en",
            {"duplicates removed": "14", "scripts": "Latin 99.9 %"},
        ),
        MACHINE,
        TokenizerSummary("bpe", 8192, 3.94, 1.31, 0.0),
        900.0,
        941.7,
        rows,
        pick_best(rows),
        {
            "probe": 14.2,
            "tokenizer": 5.1,
            "train unigram": 0.2,
            "train 5-gram": 3.6,
            "train rnn": 180.1,
            "train lstm": 190.4,
            "train gru": 190.0,
            "train gpt": 220.2,
            "evaluate": 70.3,
            "samples": 9.9,
        },
        "blocks of paragraphs",
        412,
        prompts,
        "hornbook race books-en --budget 15m --seed 1 -o runs/books",
        folder="runs/books",
        settings={"precision": "bfloat16", "optimiser": "muon"},
        versions={"hornbook": "0.1.0", "python": "3.11.9", "torch": "2.13.0", "numpy": "2.4.6"},
    )


def make_chinese_race() -> RaceResult:
    prompts = ("数据库的索引",)
    rows = (
        row(
            "gpt",
            4,
            "gpt",
            2.1123,
            0.021,
            rank=1,
            tied_with=("5-gram",),
            train_seconds=88.2,
            tokens_seen=2_140_000,
            epochs=3.1,
            peak_rss_mb=1180.0,
            size_mb=12.9,
            latency_ms=1.84,
            parameters=3_211_264,
            cloze_accuracy=0.571,
            shape="3 layers, width 192",
            curve=curve(88.2, 24263, 4.3, 2.1123),
            forecast={"seconds": 88, "tokens": 2_000_000},
            model="models/模型 一",
            samples=(
                "数据库的索引可以加快查询的速度，但是会占用一定的磁盘空间。在实际的项目中，"
                "我们需要根据查询条件来选择合适的字段建立索引。",
            ),
        ),
        row(
            "5-gram",
            2,
            "ngram",
            2.131,
            0.022,
            rank=1,
            tied_with=("gpt",),
            train_seconds=1.31,
            tokens_seen=690_000,
            epochs=1.0,
            peak_rss_mb=402.0,
            size_mb=21.7,
            latency_ms=0.05,
            parameters=2_240_118,
            cloze_accuracy=0.532,
            behind_best=0.0187,
            behind_best_ci95=(-0.004, 0.041),
            forecast={"seconds": 1.2, "tokens": 690_000},
            samples=('数据库的索引是一种数据结构，用来存储的是一个对象，所以我们可以使用 `git commit -m "<提交>"` 命令。',),
        ),
        row(
            "lstm",
            3,
            "lstm",
            2.294,
            0.022,
            rank=3,
            train_seconds=87.7,
            tokens_seen=1_310_000,
            epochs=1.9,
            peak_rss_mb=940.0,
            size_mb=14.1,
            latency_ms=0.92,
            parameters=3_520_000,
            cloze_accuracy=0.508,
            behind_best=0.182,
            behind_best_ci95=(0.16, 0.2),
            curve=curve(87.7, 14937, 4.6, 2.294),
            forecast={"seconds": 88, "tokens": 1_200_000},
            samples=(
                "数据库的索引，所以在使用的时候，需要对其进行修改，这样就可以得到一个新的数组。"
                "</script><script>alert(1)</script>",
            ),
        ),
        row(
            "gru",
            3,
            "gru",
            2.342,
            0.023,
            rank=4,
            train_seconds=87.9,
            tokens_seen=1_400_000,
            epochs=2.0,
            peak_rss_mb=901.0,
            size_mb=13.0,
            latency_ms=0.88,
            parameters=3_240_000,
            cloze_accuracy=0.499,
            behind_best=0.23,
            behind_best_ci95=(0.2, 0.25),
            too_small_to_judge=True,
            curve=curve(87.9, 15927, 4.6, 2.342),
            forecast={"seconds": 88, "tokens": 1_300_000},
            samples=("数据库的索引的方法，我们可以看到，这个时候的时间复杂度为 O(n)，而且是一个比较简单的问题。",),
        ),
        row(
            "unigram",
            2,
            "ngram",
            4.02,
            0.011,
            rank=5,
            train_seconds=0.1,
            tokens_seen=690_000,
            epochs=1.0,
            peak_rss_mb=280.0,
            size_mb=0.1,
            latency_ms=0.03,
            parameters=8192,
            cloze_accuracy=0.1,
            behind_best=1.9,
            behind_best_ci95=(1.87, 1.93),
            forecast={"seconds": 0.1, "tokens": 690_000},
            samples=("数据库的索引的，是。在了一 `个我们 = 用 、",),
        ),
    )
    return RaceResult(
        CorpusSummary(
            "tech-zh（技术文档）",
            {"train": SplitSummary(1210, 2_911_000, 690_000), "test": SplitSummary(150, 360_400, 85_900)},
            "zh",
        ),
        MACHINE,
        TokenizerSummary("bpe", 8192, 4.2, None, 0.0),
        180.0,
        186.0,
        rows,
        stage_seconds={"probe": 8.0, "tokenizer": 2.0, "train": 150.0, "evaluate": 22.0},
        interval_units=150,
        prompts=prompts,
        command="hornbook race tech-zh --budget 3m -o runs/zh",
        folder="runs/zh",
        versions={"hornbook": "0.1.0"},
    )
