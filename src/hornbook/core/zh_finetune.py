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
    "target = {value}: give a share from 0 to 1, as 0.9": "target = {value}：请给出 0 到 1 之间的比例，例如 0.9",
    "seeds = {value}: give 1 or more": "seeds = {value}：请给出 1 或更大的数",
    "lora-rank = {value}: give 0, which is off, or more": "lora-rank = {value}：请给出 0（关闭）或更大的数",
    "--keep and --cost decide between labels of which a text has one, not --kind {kind}": (
        "--keep 和 --cost 用于每个文本只有一个标签的情形，不适用于 --kind {kind}"
    ),
    "--keep sets the threshold between two labels, there are {count}": "--keep 设定两个标签之间的阈值，这里有 {count} 个标签",
    "--keep {text}: the label is not there.{hint}": "--keep {text}：没有这个标签。{hint}",
    "--keep {text}: write LABEL=SHARE, as ham=0.99": "--keep {text}：请写成 标签=比例，例如 ham=0.99",
    "--cost {text}: the label '{name}' is not there.{hint}": "--cost {text}：没有标签“{name}”。{hint}",
    "--cost {text}: write RIGHT:GIVEN=COST, as ham:spam=10": "--cost {text}：请写成 正确:给出=代价，例如 ham:spam=10",
    "nothing was learned: {network:.1%} of dev, the commonest label alone has {floor:.1%}": (
        "什么也没有学到：开发集上为 {network:.1%}，只答最常见的标签就有 {floor:.1%}"
    ),
    "give more texts or another model to start from, or change --training.learning-rate": (
        "请给出更多文本或换一个起步模型，或更改 --training.learning-rate"
    ),
    "nothing was learned: not one span of dev was found": "什么也没有学到：开发集上一个片段也没有找到",
    "give more sentences or another model to start from, or change --training.learning-rate": (
        "请给出更多句子或换一个起步模型，或更改 --training.learning-rate"
    ),
    "{path} has no file to learn from: name one train.conll, train.jsonl, ...": (
        "{path} 中没有用来学习的文件：请命名一个 train.conll、train.jsonl 等"
    ),
    "{path} marks spans otherwise than {other}": "{path} 标记片段的方式与 {other} 不同",
    "--task and --data go together: what is to be learned, and the labelled data to learn it from": (
        "--task 和 --data 要一起给出：要学什么，以及用来学习的带标签数据"
    ),
    "unknown task '{name}'.{hint}": "未知的任务“{name}”。{hint}",
    "task {task} takes no {name}.{hint}": "任务 {task} 没有选项 {name}。{hint}",
    "--{other}.* options are for --task {other}": "--{other}.* 选项用于 --task {other}",
}
