"""Chinese for the errors of token shards, batches, splitting and deduplication."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "a batch of {rows} rows of {length} tokens is empty: both must be at least 1": (
        "每批 {rows} 行、每行 {length} 个词元，批次为空：两者都必须至少为 1"
    ),
    "there are no documents to make batches of: the training split is empty": "没有可用来组成批次的文档：训练集是空的",
    "{rows} rows cannot be shared by {world} ranks (this is rank {rank}): give every rank a row": (
        "{rows} 行无法分给 {world} 个进程（当前是第 {rank} 个）：每个进程至少要有一行"
    ),
    "cuts that move by {spread} need batches of more than {twice} tokens": "切点移动 {spread} 个词元，每批就必须多于 {twice} 个词元",
    "{folder} has no split '{name}': it has {names}": "{folder} 中没有名为“{name}”的划分：只有 {names}",
    "{folder} was encoded by another tokenizer: use the one in {tokenizer}, or encode the corpus again": (
        "{folder} 是用另一个分词器编码的：请使用 {tokenizer} 中的分词器，或重新编码语料"
    ),
    "the tokenizer gave id {number}, outside its vocabulary of {size}: train it again or choose another one": (
        "分词器给出了编号 {number}，超出其大小为 {size} 的词表：请重新训练或换一个分词器"
    ),
    "{folder} holds no token shards: encode a corpus into it first": "{folder} 中没有词元分片：请先把语料编码到该目录",
    "{path} is damaged: {error}. Encode the corpus again.": "{path} 已损坏：{error}。请重新编码语料。",
    "{path} has {found} bytes, the index says {size}: the file is damaged. Encode the corpus again.": (
        "{path} 有 {found} 字节，而索引记录为 {size}：文件已损坏。请重新编码语料。"
    ),
    "{path} is damaged: its offsets do not fit the tokens. Encode the corpus again.": (
        "{path} 已损坏：其中的偏移与词元不符。请重新编码语料。"
    ),
    "{path} is damaged: token id {number} is outside the vocabulary of {size}. Encode the corpus again.": (
        "{path} 已损坏：词元编号 {number} 超出大小为 {size} 的词表。请重新编码语料。"
    ),
    "threshold = {threshold} is outside 0.3 to 1: 0.8 is usual": "threshold = {threshold} 超出 0.3 到 1 的范围：通常取 0.8",
    "permutations must be 16 to 1024, ngram and memory_mb at least 1": (
        "permutations 必须在 16 到 1024 之间，ngram 和 memory_mb 至少为 1"
    ),
    "split '{how}' is not understood: write a share below 0.9 (0.1), last:0.1, folds:10 or folds:10:3": (
        "无法理解划分方式“{how}”：请写小于 0.9 的比例（如 0.1）、last:0.1、folds:10 或 folds:10:3"
    ),
}
