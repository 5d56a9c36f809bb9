"""Chinese for the messages of the tagger."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "l1 = {l1}, l2 = {l2}: give 0 or numbers above it": "l1 = {l1}，l2 = {l2}：请给出 0 或大于 0 的数",
    "minimum_count and iterations are numbers from 1": "minimum_count 与 iterations 须为不小于 1 的数",
    "this tagger is not trained: call fit, or load a saved one": "该标注器尚未训练：请调用 fit，或载入已保存的模型",
    "{sentences} sentences and {labels} lists of labels: give one list a sentence": (
        "{sentences} 个句子而有 {labels} 组标签：请为每个句子给一组标签"
    ),
    "sentence {number} has {tokens} tokens and {labels} labels": "第 {number} 句有 {tokens} 个词元而有 {labels} 个标签",
    "a tagger needs 1 to {most} different labels, found {found}": "标注器需要 1 到 {most} 种标签，见到 {found} 种",
    "sentence {number}: the labels {labels} are not legal {scheme}": "第 {number} 句：标签 {labels} 不合 {scheme} 规则",
}
