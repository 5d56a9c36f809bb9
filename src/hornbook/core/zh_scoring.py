"""Chinese for the sentences of decoding and scoring."""

from __future__ import annotations

from typing import Final

MESSAGES: Final[dict[str, str]] = {
    "{name} must be {expected}, not {value}": "{name} 应为 {expected}，而不是 {value}",
    "{results} results need at least {results} beams, not {beams}": "{results} 个结果至少需要 {results} 条束，而不是 {beams} 条",
    "the held-out split is empty: nothing to score": "留出集是空的：没有可评分的内容",
    "document {index} has probability 0 or not a number under the model": "模型给文档 {index} 的概率为 0 或不是数",
    "the two scores are not over the same text ({a} and {b} units): no paired test": (
        "两个得分不是在同一文本上算的（{a} 与 {b} 个单元）：无法做配对检验"
    ),
    "{comparisons} comparisons at {level:.0%} each: if all models were equal, chance alone would separate some of them in "
    "up to {share:.0%} of such tables": (
        "共 {comparisons} 次比较，每次置信度 {level:.0%}：即使所有模型一样好，也会有至多 {share:.0%} 的这类表格仅因偶然而分出高下"
    ),
    "bytes of each block scaled: decoded tokens do not give back the original bytes": (
        "各块的字节数经过缩放：解码后的词元与原文字节数不符"
    ),
    "closed vocabulary: unknown words do not pay for their spelling, so bits per byte is not reported": (
        "封闭词表：未知词不为其拼写付代价，因此不报告每字节比特数"
    ),
    "{count} unknown tokens do not pay for their spelling, so bits per byte is not reported": (
        "{count} 个未知词元不为其拼写付代价，因此不报告每字节比特数"
    ),
    "{path} does not hold cloze questions: {error}": "{path} 里没有填空题：{error}",
    "there are no cloze questions: the held-out text has too few known words": "没有填空题：留出文本中的已知词太少",
    "{count} of {offered} cloze questions answered: the time limit of {seconds:.1f} s": (
        "{offered} 道填空题答了 {count} 道：受 {seconds:.1f} 秒时限"
    ),
    "the tokenizer does not keep the text exactly: what it drops costs nothing here": (
        "分词器不能原样保留文本：它丢掉的部分在这里没有计入代价"
    ),
    "there is no gap in '{text}': write [MASK], <mask> or ___ where a word is missing": (
        "“{text}”里没有空缺：请在缺词处写 [MASK]、<mask> 或 ___"
    ),
    "no word of the vocabulary can stand in gap {gap} of the text": "词表中没有词能填入文本的第 {gap} 个空缺",
    "P(text with the word) among {count} candidates, both sides of the gap counted": (
        "概率为填词后整个文本的概率在 {count} 个候选中所占的份额，空缺两侧都计入"
    ),
    "the tokenizer of this model has no mask token: gaps cannot be filled": "该模型的分词器没有掩码词元：无法填空",
    "there are no minimal pairs to judge": "没有可判断的最小对立对",
    "the model gives sentences of minimal pairs no number": "模型给最小对立对句子的分数不是数",
    "unknown tokens do not pay for their spelling: no pseudo bits per byte": "未知词元不为其拼写付代价：不报告伪每字节比特数",
    "{count} of {offered} tokens, in windows of at most {length} drawn with seed {seed}": (
        "{offered} 个词元中的 {count} 个，取自长度不超过 {length} 的窗口，抽取种子 {seed}"
    ),
    "P(token | both sides) over the whole vocabulary": "概率为整个词表上的 P(词元 | 两侧)",
    "share of exp(mean log P a token, masks filled from left to right) among {count} candidates": (
        "概率为 exp(每词元平均 log P，掩码从左到右填) 在 {count} 个候选中所占的份额"
    ),
    "a curve over context needs two lengths from 0 on, and at least one scored token": (
        "上下文曲线需要至少两个不小于 0 的长度，并至少对一个词元评分"
    ),
    "no held-out document has {length} tokens: ask for shorter contexts": "没有留出文档长达 {length} 个词元：请缩短上下文",
    "a lag in a text with a question is at least 2": "带提问的文本中，间隔至少为 2",
    "the held-out text is too short to hide a token of it": "留出的文本太短，没有词元可遮",
    "the gap in '{text}' is a part of a word, and this model knows whole words only: put blanks around it": (
        "“{text}”中的空缺是一个词的一部分，而该模型只认识整词：请在空缺两边加空格"
    ),
}
