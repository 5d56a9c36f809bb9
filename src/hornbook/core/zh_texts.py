"""Chinese sentences of labelled texts and of classifiers at the command line."""

MESSAGES: dict[str, str] = {
    "{path} has no column of {what} beside {names}: a text and its label are expected in every row": (
        "{path} 除 {names} 外没有{what}一列：每行应有文本及其标签"
    ),
    "texts": "文本",
    "labels": "标签",
    "column {number}": "第 {number} 列",
    "line {line}: this row cannot be read: {error}. A quote inside a quoted cell is written twice.": (
        "第 {line} 行无法读取：{error}。引号内的引号须写两次。"
    ),
    "{path}, {what}": "{path}，{what}",
    "{path} has no file of labelled texts (train.jsonl, data.tsv, ...)": "{path} 中没有带标签文本的文件（train.jsonl、data.tsv 等）",
    "{path} has no file to learn from: name one train.jsonl, train.tsv, ...": (
        "{path} 中没有可供学习的文件：请将其命名为 train.jsonl、train.tsv 等"
    ),
    "{path} has no row with a text and a label": "{path} 中没有同时有文本和标签的行",
    "{path}, line {line}: found {found} columns where {expected} are expected": "{path} 第 {line} 行有 {found} 列，应有 {expected} 列",
    "{path}: line {line}: a label is {kind}": "{path} 第 {line} 行：标签的类型是 {kind}",
    "a folder a label": "一个标签一个目录",
    "JSON lines": "JSON 行",
    "fastText's lines": "fastText 格式",
    "header": "有表头",
    "no header": "无表头",
    "comma separated": "逗号分隔",
    "tab separated": "制表符分隔",
    "semicolon separated": "分号分隔",
    "separated by |": "以 | 分隔",
    ", second text: {column}": "，第二个文本：{column}",
    "{path}: text: {text}, label: {label}{pair}, {form}; {texts:,} texts, {labels:,} labels": (
        "{path}：文本：{text}，标签：{label}{pair}，{form}；{texts:,} 条文本，{labels:,} 种标签"
    ),
    "{path}: left out: {texts} rows without text, {labels} without a label": "{path}：略去 {texts} 行无文本、{labels} 行无标签的数据",
    "{path}: {count} rows have more separators than columns: the text goes on to the end of the row": (
        "{path}：{count} 行的分隔符多于列数：其后内容一并读入文本"
    ),
    "{path}: labels are texts (line {text}) and numbers (line {number}): 1 and '1' are one label": (
        "{path}：标签既有文本（第 {text} 行）又有数字（第 {number} 行）：1 与 '1' 视为同一标签"
    ),
    "{path}: {again:,} texts stand there more than once, {wrong:,} of them with another label": (
        "{path}：{again:,} 条文本重复出现，其中 {wrong:,} 条的标签不同"
    ),
    "look at them: lines {first} and {second} are the first pair": "请检查：第 {first} 行与第 {second} 行是其中第一对",
    "{path}, line {line}: the text has {count} labels ({names}), this classifier gives one": (
        "{path} 第 {line} 行：该文本有 {count} 个标签（{names}），此分类器只给一个"
    ),
    "the two texts of a pair are read as one: this classifier does not compare them": (
        "一对文本合为一条来读：此分类器不作比较"
    ),
    "split = {value}: give a share from 0 to below 1": "split = {value}：请给出 0 到 1（不含）之间的比例",
    "{leaked:,} of the {count:,} texts are among the training texts": "{count:,} 条文本中有 {leaked:,} 条出现在训练文本中",
    "judge by the part that is unseen": "请以未见过的部分为准",
    "{path}, line {line}: label '{label}' does not occur in the training texts: {names}": (
        "{path} 第 {line} 行：标签“{label}”未在训练文本中出现过：{names}"
    ),
    "too few texts to hold some out: the model is not measured": "文本太少，无法留出一部分：未评测该模型",
}
