"""Chinese sentences of labelled spans and of neural taggers."""

MESSAGES: dict[str, str] = {
    "{path} has no labelled text: CoNLL, CoNLL-U, JSON lines of spans or brat is expected": (
        "{path} 中没有带标签的文本：应为 CoNLL、CoNLL-U、带片段的 JSON 行或 brat"
    ),
    "{path} is a folder without .ann files: give one file of labelled sentences": (
        "{path} 是没有 .ann 文件的文件夹：请给出一个带标签的句子的文件"
    ),
    "{path}: {count} spans lie in or across longer ones and are left out: labels are flat": (
        "{path}：{count} 个片段位于更长的片段之内或与之交叉，已略去：标签不能嵌套"
    ),
    "leave out one kind of span, or train one model for each": "请去掉其中一类片段，或为每一类各训练一个模型",
    "{path}: {count} spans in several pieces are left out": "{path}：{count} 个由多段组成的片段已略去",
    "{path}: white space at the ends of {count} spans is left out": "{path}：{count} 个片段首尾的空白已去掉",
    "{path}: a digit behind every character, its place in a word, is left out": ("{path}：每个字后面表示词内位置的数字已去掉"),
    "no scheme of spans": "没有片段标记",
    "{path}: {form}, {scheme}; {sentences:,} texts, {tokens:,} tokens, labels: {kinds}": (
        "{path}：{form}，{scheme}；{sentences:,} 个文本，{tokens:,} 个词，标签：{kinds}"
    ),
    "{path} begins as a JSON list and is none: one object a line is read too": (
        "{path} 以 JSON 列表开头却不是列表：也可以一行一个对象"
    ),
    "{path}, record {line}: {what}": "{path} 第 {line} 条记录：{what}",
    "{path} has no text beside it: {source} is missing": "{path} 旁边没有文本：缺少 {source}",
    "{path}, line {line}: no span of brat: T1<TAB>KIND 0 5<TAB>text": (
        "{path} 第 {line} 行不是 brat 的片段：应为 T1<TAB>类别 0 5<TAB>文字"
    ),
    "{path}, line {line}: characters {first} to {last} of the text are '{found}', the line says '{surface}'": (
        "{path} 第 {line} 行：文本第 {first} 到 {last} 个字符是“{found}”，该行却写着“{surface}”"
    ),
    "characters and recurrent are numbers from 0, dropout is from 0 to below 1": (
        "characters 和 recurrent 是从 0 起的整数，dropout 在 0 到 1 之间（不含 1）"
    ),
    "a tagger needs two labels or more, found {labels}": "标注器至少需要两个标签，只找到 {labels}",
    "a tagger needs a tokenizer that tells where its tokens stand in the text": "标注器需要能给出词元在文本中位置的分词器",
    "{path}: {kind} has no head for labels of tokens": "{path}：{kind} 没有给词元打标签的输出层",
    "{path}: model_type '{kind}' encodes no texts": "{path}：model_type '{kind}' 不能编码文本",
}
