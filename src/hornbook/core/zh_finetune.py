"""Chinese sentences of classifiers over networks and of fine-tuning."""

MESSAGES: dict[str, str] = {
    "dropout is from 0 to below 1, not {value}": "dropout 在 0 到 1 之间（不含 1），而不是 {value}",
    "thresholds are probabilities from 0 to 1, not {values}": "阈值是 0 到 1 之间的概率，而不是 {values}",
    "a classifier needs two labels or more, found {labels}": "分类器至少需要两个标签，只找到 {labels}",
    "{path}: {kind} has no head for labels of texts": "{path}：{kind} 没有给文本打标签的输出层",
    "fine-tuning chooses its epoch by texts held out: give more texts, a larger --split, or --dev FILE": (
        "微调靠留出的文本来选择轮次：请给出更多文本、更大的 --split，或 --dev 文件"
    ),
    "grades must be numbers, found the labels {names}": "等级必须是数字，却找到标签 {names}",
    "{recipe} has no network to start from: choose {names}": "{recipe} 没有可供起步的网络：请选择 {names}",
    "{start} is neither a folder nor a recipe: {names}": "{start} 既不是文件夹也不是配方：{names}",
    "{path} has only the label {label}: there is nothing to learn": "{path} 只有标签 {label}：没有可学的东西",
    "{kind} has no encoder: a tagger is trained over a network or over word vectors": (
        "{kind} 没有编码器：标注器要在网络或词向量之上训练"
    ),
    "{path}, line {line}: the label {label} does not occur in training": "{path} 第 {line} 行：标签 {label} 没有在训练数据中出现",
    "{name} from scratch: {types:,} types, nothing learned before": "{name} 从零开始：{types:,} 个词型，事先没有学过任何东西",
    "{count} labels occur once: {names}": "{count} 个标签只出现一次：{names}",
    "give each label more texts, or join labels": "请给每个标签更多文本，或合并标签",
    "{count:,} of {total:,} texts are longer than {context} tokens: their beginnings are learned from": (
        "{total:,} 个文本中有 {count:,} 个超过 {context} 个词元：只学习它们的开头"
    ),
    "a linear classifier is right more often: {linear:.1%} of dev, this one {network:.1%}": (
        "线性分类器更常答对：在开发集上为 {linear:.1%}，这个模型为 {network:.1%}"
    ),
    "keep the linear one (hornbook train linear), or pre-train on more text first": (
        "请保留线性分类器（hornbook train linear），或先在更多文本上预训练"
    ),
    "Classifier of texts": "文本分类器",
}
