"""Chinese for the sentences of filling gaps and of vectors of texts."""

from __future__ import annotations

from typing import Final

MESSAGES: Final[dict[str, str]] = {
    "{folder} is {kind}: fill asks language models, and models that guess hidden tokens": (
        "{folder} 是 {kind}：fill 只能用语言模型，或会猜被遮词元的模型"
    ),
    "{path} has no minimal pairs: name two columns sentence_good and sentence_bad": (
        "{path} 里没有最小对立对：请把两列命名为 sentence_good 和 sentence_bad"
    ),
    "{path}, line {line}: a good and a bad sentence are expected": "{path} 第 {line} 行：应有一个正确的句子和一个错误的句子",
    "{count} of {offered} pairs: {each} of each paradigm, drawn with seed {seed}": (
        "{offered} 对中的 {count} 对：每个范式 {each} 对，抽取种子 {seed}"
    ),
    "this model judges sentences by {ways}, not by {by}": "该模型按 {ways} 判断句子，而不是按 {by}",
    "{folder} is {kind}: it has no vectors of texts. Word vectors, a hidden Markov model and networks have them": (
        "{folder} 是 {kind}：它没有文本向量。词向量、隐马尔可夫模型和神经网络才有"
    ),
    "the model gives a text a vector that is not a number": "模型给某个文本的向量不是数",
    "{count} texts are empty or have no word the model knows: their vectors are zeros": (
        "{count} 个文本为空，或没有模型认识的词：其向量为零"
    ),
    "leave them out before comparing vectors": "比较向量之前请去掉它们",
    "{path}: vectors are written to a .npy or a .jsonl file": "{path}：向量只能写入 .npy 或 .jsonl 文件",
    "these vectors have no counts of words: all words of a text weigh the same": "这些词向量没有词频：文本中各词权重相同",
    "{count} texts are longer than the context of the model: their ends are not in their vectors": (
        "{count} 个文本超过模型的上下文长度：其末尾不在向量之中"
    ),
    "cut long texts into parts first": "请先把长文本切成几段",
}
