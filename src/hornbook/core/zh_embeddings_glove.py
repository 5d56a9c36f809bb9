"""Chinese for the messages of GloVe."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "window = {window}: choose 1 to {most} words": "window = {window}：须为 1 到 {most} 个词",
    "no sentence has two words of the vocabulary: there is no company to learn a word by": (
        "没有一个句子含有两个词表中的词：无从由上下文学习词义"
    ),
    "the co-occurrences take more than memory_mb allows: they are in a temporary file": "共现数据超过 memory_mb 的限制：已放入临时文件",
    "{pairs:,} pairs of words stand near each other; a word meets others {meetings:,.0f} times, 1 / distance each": (
        "共有 {pairs:,} 对相邻的词；每个词平均与他词相遇 {meetings:,.0f} 次，每次按 1 / 距离计"
    ),
    "the text is small: {meetings:,.1f} meetings for each word are too few to tell words apart by company": (
        "文本太小：每个词只相遇 {meetings:,.1f} 次，不足以由上下文区分词义"
    ),
    "give more text, or raise min_count so that fewer words share it": "请提供更多文本，或调高 min_count 以减少词数",
    "the loss did not fall: {first:.4f} in the first epoch, {last:.4f} in the last": (
        "损失没有下降：第一轮 {first:.4f}，最后一轮 {last:.4f}"
    ),
}
