"""Chinese sentences of segmenters, taggers and classifiers at the command line, and of n-gram models as files."""

MESSAGES: dict[str, str] = {
    "{path} has no segmented sentence: one a line is expected, with blanks between words": (
        "{path} 中没有已分词的句子：应为一行一句，词与词之间用空格隔开"
    ),
    "{path} has no labelled sentence: a token a line is expected, its label in a column": (
        "{path} 中没有带标签的句子：应为一行一个词，标签占一列"
    ),
    "too few sentences to hold some out: the model is not measured": "句子太少，无法留出一部分：未评测该模型",
    "{folder} is {kind}: predict asks taggers, classifiers and segmenters": (
        "{folder} 是 {kind}：predict 只用于标注器、分类器和分词器"
    ),
    "{path}, line {line} is not JSON: {error}": "{path} 第 {line} 行不是 JSON：{error}",
    '{path}, line {line} has no input: a text, a list of tokens, or an object with "text" or "tokens" is expected': (
        '{path} 第 {line} 行没有输入：应为文本、词的列表，或含 "text" 或 "tokens" 的对象'
    ),
    "{folder} is not an n-gram model but {kind}": "{folder} 不是 n-gram 模型，而是 {kind}",
    "{folder} is not a word segmenter but {kind}": "{folder} 不是分词器，而是 {kind}",
    "{count} lines of standard input are not UTF-8: what could not be read became U+FFFD": (
        "标准输入中有 {count} 行不是 UTF-8：无法读取的部分已换成 U+FFFD"
    ),
    "give the file by its name: its encoding is then found": "请直接给出文件名：程序会识别其编码",
    "the n-grams are of tokens of the {kind} tokenizer, spelled as in its tokenizer.json: to score text with the file, "
    "cut it by that tokenizer first": (
        "这些 n-gram 由 {kind} 分词器的词元组成，写法同其 tokenizer.json：用该文件给文本打分前，请先用该分词器切分文本"
    ),
    "{share:.0%} of the tokens of the text are unknown to the model: its perplexity says little": (
        "文本中 {share:.0%} 的词元是模型未知的：其困惑度没有多少意义"
    ),
    "give text that is cut into words as the model's own text was": "请给出按模型训练文本同样方式切分的文本",
    "--{group}.* options are for --method {group}": "--{group}.* 选项只用于 --method {group}",
}
