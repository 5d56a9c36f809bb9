"""Chinese sentences of the judgement of a classifier."""

MESSAGES: dict[str, str] = {
    "{name} = {value}: give a share from 0 to 1": "{name} = {value}：请给出 0 到 1 之间的比例",
    "{name} = {value}: give 0 or more": "{name} = {value}：请给出 0 或更大的数",
    "--report is for classifiers of texts, {model} is none": "--report 只用于文本分类器，{model} 不是",
    "--against names training texts for a report: give --report DIR too": "--against 为报告指定训练文本：请同时给出 --report DIR",
}
