"""Chinese sentences of pipelines, of the estimators for scikit-learn and of answers in tables."""

MESSAGES: dict[str, str] = {
    "{folder} is {kind}: a pipeline asks classifiers and taggers": "{folder} 是 {kind}：pipeline 只用于分类器和标注器",
    "{folder} is {kind}: ask for '{other}', not '{task}'": "{folder} 是 {kind}：请用“{other}”，而非“{task}”",
    "batch_size = {value}: give 1 or more": "batch_size = {value}：请给出 1 或更大的数",
    "{name} is not '{value}'.{hint}": "{name} 不能是“{value}”。{hint}",
    "top_k = {value}: give a number from 1, or None for all labels": "top_k = {value}：请给出从 1 起的数，或 None 表示所有标签",
    "{kind} gives probabilities alone: leave function_to_apply out": "{kind} 只给出概率：请勿使用 function_to_apply",
    "this TextClassifier is not fitted: call fit, or load a saved one": "该 TextClassifier 尚未训练：请调用 fit，或载入已保存的模型",
    "TextClassifier has no parameter '{name}'.{hint}": "TextClassifier 没有参数“{name}”。{hint}",
    "label {number} is not a number (NaN): leave such texts out": "标签 {number} 不是数（NaN）：请去掉这样的文本",
    "epochs = {value}: give 0, which goes by the number of texts, or more": "epochs = {value}：请给 0（按文本数量决定）或更大的数",
    "method '{method}' takes no {name}: it is a setting of {other}": "方法“{method}”没有 {name}：该设置属于 {other}",
    "labels of kind {kind} cannot be saved: use texts, numbers, True and False": (
        "类型为 {kind} 的标签无法保存：请用文本、数字、True 与 False"
    ),
    "{path} is damaged: {what}. Restore the folder or train again.": "{path} 已损坏：{what}。请恢复该目录或重新训练。",
    "{task} takes no {name}.{hint}": "{task} 没有选项 {name}。{hint}",
}
