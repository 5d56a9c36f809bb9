"""Every sentence of the report on one classifier, in English and Chinese."""

from __future__ import annotations

from hornbook.compare.words import TEXT

JUDGE_TEXT: dict[str, tuple[str, str]] = {
    "and": TEXT["and"],
    "comma": TEXT["comma"],
    "title": ("hornbook evaluate: {model}", "hornbook 评测：{model}"),
    "eyebrow": ("hornbook evaluate", "hornbook 评测"),
    "headline": ("{model} answers {percent} of {n} texts right.", "{model} 答对了 {n} 条文本中的 {percent}。"),
    "nothing": ("There were no texts to judge {model} by.", "没有可用来评判 {model} 的文本。"),
    "interval": ("95 % interval {low} to {high}.", "95 % 区间为 {low} 至 {high}。"),
    "unseen_beside": (
        "{leaked} of the texts were trained on; of the {n} others it answers {percent} right.",
        "其中 {leaked} 条曾用于训练；其余 {n} 条答对 {percent}。",
    ),
    "all_leaked": (
        "All {leaked} texts were trained on: this says nothing about new texts.",
        "全部 {leaked} 条都曾用于训练：无法说明对新文本的表现。",
    ),
    "leak_free": ("None of the texts is among the training texts.", "没有一条出现在训练文本中。"),
    "leak_unknown": (
        "The model folder does not say which texts it was trained on, so leakage was not checked.",
        "模型文件夹未记录训练文本，因此没有检查泄漏。",
    ),
    "meta": ("Data: {data}. {labels} labels, {errors} errors.", "数据：{data}。{labels} 个标签，{errors} 处错误。"),
    "scores": ("Scores", "得分"),
    "scores_lead": (
        "Brackets are 95 % intervals. Where the model knows its training texts, the part it has not seen stands beside the "
        "whole: judge by that one.",
        "方括号内为 95 % 区间。若模型记录了训练文本，则在整体旁列出未见过的部分：以后者为准。",
    ),
    "score": ("score", "指标"),
    "all_texts": ("all texts", "全部文本"),
    "unseen_texts": ("unseen in training", "训练中未见"),
    "accuracy": ("accuracy", "准确率"),
    "exact": ("all labels right", "标签全对"),
    "micro_f1": ("micro-F1", "微平均 F1"),
    "macro_f1": ("macro-F1", "宏平均 F1"),
    "mean_absolute_error": ("grades off, mean", "平均差几级"),
    "texts": ("texts", "文本数"),
    "labels": ("Label by label", "逐个标签"),
    "labels_lead": (
        "Precision: of the texts given the label, how many have it. Recall: of the texts that have it, how many were given it. "
        "A dash where there were none.",
        "精确率：被判为该标签的文本中确有该标签的比例。召回率：有该标签的文本中被判出的比例。没有这类文本时以横线表示。",
    ),
    "label": ("label", "标签"),
    "precision": ("precision", "精确率"),
    "recall": ("recall", "召回率"),
    "f1": ("F1", "F1"),
    "has": ("texts with it", "有此标签"),
    "given": ("given it", "被判为此"),
    "confusion": ("What is taken for what", "什么被当成什么"),
    "confusion_lead": (
        "Right labels down, answers across; the darker, the larger the share of the row.",
        "行为正确标签，列为模型回答；颜色越深，占该行的比例越大。",
    ),
    "confusion_pairs_lead": ("The commonest mistakes among {labels} labels.", "{labels} 个标签中最常见的错误。"),
    "right_label": ("right label", "正确标签"),
    "answer": ("answer", "回答"),
    "share_of_label": ("of the label", "占该标签"),
    "reliability": ("Does it know what it knows?", "它知道自己知道多少吗？"),
    "reliability_lead": (
        "Answers grouped by the probability the model gives them. On the dashed line, 80 % sure means right 80 % of the time; "
        "below it the model is too sure, above it too modest. Area is the number of answers, whiskers are 95 % intervals.",
        "按模型给出的概率把回答分组。在虚线上，八成把握就有八成答对；在其下方是过于自信，在其上方是过于谦虚。"
        "圆的面积为回答数，横须为 95 % 区间。",
    ),
    "axis_confidence": ("probability of the answer", "回答的概率"),
    "axis_right": ("share that is right", "答对的比例"),
    "axis_confidence_multi": ("probability of a label", "标签的概率"),
    "axis_right_multi": ("share that has the label", "确有该标签的比例"),
    "bin": ("sure {confidence}, right {accuracy}, n = {n}", "把握 {confidence}，答对 {accuracy}，n = {n}"),
    "ece": ("calibration error, 15 bins of equal width", "校准误差（15 个等宽分组）"),
    "ece_mass": ("the same, of equal mass", "同上（等量分组）"),
    "brier": ("Brier score, 0 is best", "Brier 分数（0 最好）"),
    "log_loss": ("log loss, nats a text", "对数损失（奈特/文本）"),
    "log_loss_multi": ("log loss, nats a decision", "对数损失（奈特/判断）"),
    "verdict_good": ("Its probabilities can be taken at their word.", "它的概率可以照字面理解。"),
    "verdict_sure": ("It is surer than it is right, by {gap} in the mean.", "它过于自信，平均高出 {gap}。"),
    "verdict_modest": ("It is right more often than it says, by {gap} in the mean.", "它过于谦虚，平均低了 {gap}。"),
    "lengths": ("Short and long texts", "短文本与长文本"),
    "lengths_lead": ("Quarters of the texts by length in characters.", "按字符数把文本分成四份。"),
    "characters": ("characters", "字符数"),
    "range": ("{low}–{high}", "{low}–{high}"),
    "kept": ("If one label must not be lost", "若某个标签不可误判"),
    "kept_lead": (
        "The threshold at which at least 99 % of one label's texts stay what they are, and how well the other label is then "
        "found. It was chosen on these very texts: on new ones expect a little less.",
        "使某一标签至少 99 % 的文本保持不变的阈值，以及此时另一标签的判别效果。阈值就在这些文本上选定：对新文本会略差一些。",
    ),
    "kept_label": ("kept", "保留"),
    "found_label": ("found", "判别"),
    "kept_share": ("share kept", "保留比例"),
    "threshold": ("threshold", "阈值"),
    "worst": ("Worst errors", "最严重的错误"),
    "worst_lead": (
        "The {shown} of {n} errors in which the model leaves least probability to the label in the data.",
        "共 {n} 处错误，以下 {shown} 处中模型留给数据标签的概率最小。",
    ),
    "doubtful": ("Likely label errors", "可能标错的文本"),
    "doubtful_lead": (
        "{n} texts whose label the model has good reason to doubt (confident learning). Likely, not certain: look before you "
        "change the data. The first {shown}:",
        "模型有充分理由怀疑其标签的文本共 {n} 条（置信学习）。只是可能，并非必然：修改数据前请先查看。前 {shown} 条：",
    ),
    "doubtful_all_lead": (
        "{n} texts whose label the model has good reason to doubt (confident learning). Likely, not certain: look before you "
        "change the data.",
        "模型有充分理由怀疑其标签的文本共 {n} 条（置信学习）。只是可能，并非必然：修改数据前请先查看。",
    ),
    "in_data": ("in the data", "数据中"),
    "answered": ("answered", "回答"),
    "rather": ("rather", "更像是"),
    "no_label": ("no label", "无标签"),
    "doubted": ("the label may be wrong", "标签可能有误"),
    "trained_on": ("the text was trained on", "此文本曾用于训练"),
    "nearest": ("nearest training text", "最相近的训练文本"),
    "cosine": ("cosine {value}", "余弦 {value}"),
    "cut": (" … {n} more characters", " …… 另有 {n} 个字符"),
    "empty_text": ("(empty)", "（空）"),
    "no_neighbours": (
        "Name the training texts with --against and each of these shows the one most like it.",
        "用 --against 指定训练文本，每条下面就会列出最相近的一条。",
    ),
    "method": ("How this was measured", "如何测得"),
    "method_intervals": (
        "Accuracy and F1: percentile bootstrap over texts. Slices, bins: Wilson's interval of a share.",
        "准确率与 F1：对文本做自助法取百分位。分段与分组：比例的 Wilson 区间。",
    ),
    "method_leak": (
        "A text counts as seen when it equals a training text up to white space and Unicode form.",
        "除空白与 Unicode 形式外与某条训练文本相同，即算作已见。",
    ),
    "method_doubt": (
        "Likely label errors: Northcutt et al. 2021, a threshold for each label at the mean probability that its own texts "
        "have, ordered by margin. It assumes texts that the model was not trained on.",
        "可能的标签错误：Northcutt 等 2021，每个标签的阈值为其自身文本的平均概率，按间隔排序。前提是模型没有用这些文本训练过。",
    ),
    "method_near": (
        "Nearest training text: cosine of tf-idf vectors of words, word pairs and up to four characters.",
        "最相近的训练文本：词、词对与至多四个字符的 tf-idf 向量之余弦。",
    ),
    "again": ("The same again", "再次运行"),
    "numbers_file": ("All numbers and texts: judgement.json beside this page.", "全部数字与文本：见本页旁的 judgement.json。"),
}
