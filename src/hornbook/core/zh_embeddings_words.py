"""Chinese messages of the corpus side of the embeddings room: words, phrases, subwords."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "{paths} is empty: there is no text to read": "{paths} 是空的：没有可读的文本",
    "{path} is not UTF-8: it has the word {word}. Convert it, or prepare it with hornbook corpus, which recognises encodings.": (
        "{path} 不是 UTF-8：其中有词 {word}。请转换编码，或用 hornbook corpus 处理，它能识别编码。"
    ),
    "the corpus is empty: there is no word to learn from": "语料是空的：没有可学习的词",
    "sentence {index} is not a list of words but {what}: give lists of strings, such as [['hello', 'world']]": (
        "第 {index} 句不是词的列表，而是 {what}：请给出字符串的列表，例如 [['你好', '世界']]"
    ),
    "sentence {index} is the text {text!r}, not a list of words: its letters would be taken for words. "
    "Give [line.split() for line in lines], or hornbook.embeddings.sentences_of(lines) for raw text.": (
        "第 {index} 句是文本 {text!r}，而不是词的列表：这样会把单个字母当作词。"
        "请给出 [line.split() for line in lines]；未分词的文本请用 hornbook.embeddings.sentences_of(lines)。"
    ),
    "the corpus holds {word!r}, which is not a string: words are strings": "语料中有 {word!r}，它不是字符串：词应当是字符串",
    "the corpus holds the word {word}, which is not valid text (a lone surrogate): read it with errors='replace'": (
        "语料中有词 {word}，它不是有效文本（孤立代理项）：读取时请用 errors='replace'"
    ),
    "no word occurs {min_count} times in the {words} words read, so min_count = {min_count} leaves no vocabulary. "
    "Words that a lower min_count keeps: {choices}": (
        "读入的 {words} 个词中没有出现 {min_count} 次的词，min_count = {min_count} 使词表为空。"
        "较小的 min_count 能保留的词数：{choices}"
    ),
    "subwords of {min_n} to {max_n} characters in {buckets} buckets: give 1 <= min_n <= max_n and 1 to 2147483647 buckets; "
    "max_n = 0 for none": (
        "子词 {min_n} 到 {max_n} 个字符、{buckets} 个桶：须满足 1 <= min_n <= max_n，桶数为 1 到 2147483647；max_n = 0 表示不用子词"
    ),
    "half of the words have {length:g} characters or fewer: subwords of 1 to 3 characters, not 3 to 6": (
        "半数的词不超过 {length:g} 个字符：子词取 1 到 3 个字符，而不是 3 到 6 个"
    ),
    "{word} is not valid text (a lone surrogate)": "{word} 不是有效文本（孤立代理项）",
    "a matrix of shape {shape} does not hold the rows of {buckets} buckets": "形状为 {shape} 的矩阵容不下 {buckets} 个桶的行",
    "phrases: passes = {passes} and min_count = {min_count} must be at least 1": (
        "短语：passes = {passes} 和 min_count = {min_count} 至少为 1"
    ),
    "phrases: threshold = {threshold} never fits {scoring} scores, which are {lowest:g} to {highest:g}": (
        "短语：threshold = {threshold} 不适用于 {scoring} 得分，其范围为 {lowest:g} 到 {highest:g}"
    ),
    "{missing} words are gone from the corpus: words that were apart look like neighbours": (
        "语料中已去掉 {missing} 个词：原本不相邻的词看起来相邻了"
    ),
    "read it with min_count 1 and call restrict afterwards": "请用 min_count 1 读取，之后再调用 restrict",
    "the vocabulary is {kept:,} of {words:,} words": "词表为 {words:,} 个词中的 {kept:,} 个",
    "{words:,} words, {types:,} different; the vocabulary is {kept:,} of them, {share:.1%} of the text": (
        "{words:,} 个词，其中 {types:,} 个不同；词表取其中 {kept:,} 个，占全文的 {share:.1%}"
    ),
    "phrases, pass {number}: {count} found": "短语，第 {number} 遍：找到 {count} 个",
    "these phrases are not learned: call fit, or load saved ones": "这些短语尚未学习：请调用 fit，或载入已保存的短语",
    "Thai, Lao, Burmese and Khmer words are not known to any dictionary here: characters are the words": (
        "这里没有泰语、老挝语、缅甸语和高棉语的词典：以单个字符为词"
    ),
    "the Chinese of this text is cut by spaces: its words are taken as they are": "文本中的中文已用空格分词：按原样取词",
    'Chinese characters are taken as words: pip install "hornbook[zh]" finds words of several': (
        '以单个汉字为词：安装 pip install "hornbook[zh]" 后可切分出多字词'
    ),
    "Chinese words are those of rjieba": "中文分词采用 rjieba",
}
