"""Chinese for the messages of the training of word vectors."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "{name} = {value}: at least {lowest}": "{name} = {value}：不得小于 {lowest}",
    "shared_negatives = {value}: give a multiple of 4": "shared_negatives = {value}：须为 4 的倍数",
    "these word vectors are not trained: call fit, or load saved ones": "这些词向量尚未训练：请调用 fit，或载入已保存的词向量",
    "{old} is another name of {name}: give one of them": "{old} 是 {name} 的别名：只能给出其中一个",
    "{old} is called {name} here: {name} = {value}": "{old} 在这里称为 {name}：{name} = {value}",
    "the vocabulary has {count} words that occur at least {least} times: word vectors need two and more. "
    "Lower min_count or give more text.": (
        "词表中至少出现 {least} 次的词只有 {count} 个：词向量至少需要两个词。请降低 min_count 或提供更多文本。"
    ),
    "the given vectors have {found} dimensions, dimensions is {expected}: give the same": (
        "给定的词向量为 {found} 维，而 dimensions 为 {expected}：两者须相同"
    ),
    "give both min_n and max_n, or neither": "min_n 与 max_n 须同时给出，或都不给",
    "subsampling keeps about {left:,.0f} of {tokens:,} words an epoch": "下采样后每轮约保留 {tokens:,} 个词中的 {left:,.0f} 个",
    "the text is small: subsampling at {sample} would leave {left:,.0f} of {tokens:,} words, so it is switched off": (
        "文本太小：按 {sample} 下采样后 {tokens:,} 个词只剩 {left:,.0f} 个，因此已关闭下采样"
    ),
    "give more text; sample = 0 says that this is meant": "请提供更多文本；若本意如此，请设 sample = 0",
    "{pairs:,.0f} pairs trained in {epochs} epochs, {each:,.0f} for each of {words:,} words": (
        "{epochs} 轮共训练 {pairs:,.0f} 对，{words:,} 个词平均每词 {each:,.0f} 对"
    ),
    "the vectors did not move: they are {moved:.1%} away from where they began, so they mean nothing yet": (
        "词向量几乎没有移动：与初始值只相差 {moved:.1%}，因此还没有任何意义"
    ),
    "give more text or more epochs, or raise the learning rate": "请提供更多文本、增加轮数或调高学习率",
    "{each:,.0f} pairs for each word are too few to tell words apart by their company": (
        "每个词只有 {each:,.0f} 对，不足以凭上下文区分词义"
    ),
    "give more text or more epochs, or raise min_count so that fewer words share it": (
        "请提供更多文本、增加轮数，或调高 min_count 以减少词数"
    ),
    "cannot resume {checkpoint}: {field} was {before} and is {now} now. Use the same settings or another folder.": (
        "无法从 {checkpoint} 继续：{field} 原为 {before}，现为 {now}。请使用相同设置或另选文件夹。"
    ),
    "checkpoint {name} not saved: the disk is full (need {need:.1f} MB); last good checkpoint: {last}": (
        "检查点 {name} 未保存：磁盘已满（需要 {need:.1f} MB）；最近的完好检查点：{last}"
    ),
    "the vectors stopped being finite in epoch {epoch}, round {step} (learning rate {rate}): lower the learning rate. "
    "Nothing was saved since; last good checkpoint: {last}": (
        "词向量在第 {epoch} 轮第 {step} 步出现非有限值（学习率 {rate}）：请调低学习率。此后未保存任何内容；最近的完好检查点：{last}"
    ),
}
