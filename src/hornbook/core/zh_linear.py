"""Chinese for the messages of the text classifiers."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "features.{name} = {value}: choose 0 to 8": "features.{name} = {value}：请选择 0 到 8",
    "features.words and features.characters are both 0: keep one of them": (
        "features.words 与 features.characters 同为 0：请至少保留一个"
    ),
    "features.bits = {bits}: choose 8 to 26": "features.bits = {bits}：请选择 8 到 26",
    "cost = {cost}: give a number above 0, or 0 to have it chosen": "cost = {cost}：请给出大于 0 的数，或给 0 由程序选择",
    "folds = {folds}: choose 2 to 100": "folds = {folds}：请选择 2 到 100",
    "tolerance = {tolerance}: give a number above 0": "tolerance = {tolerance}：请给出大于 0 的数",
    "this classifier is not trained: call fit, or load a saved one": "该分类器尚未训练：请调用 fit，或载入已保存的模型",
    "folds = {folds}: choose 2 or more, or 0 for Bayes' rule as it stands": "folds = {folds}：请选择 2 或更大，或以 0 直接用贝叶斯公式",
    "{texts} texts and {labels} labels: give one label a text": "{texts} 条文本而有 {labels} 个标签：请为每条文本给一个标签",
    "a classifier needs texts of at least two labels, found {found}": "分类器需要至少两种标签的文本，只见到 {found}",
    "label '{label}' of text {place} does not occur in the training texts: {names}": (
        "第 {place} 条文本的标签“{label}”不在训练文本的标签之中：{names}"
    ),
}
