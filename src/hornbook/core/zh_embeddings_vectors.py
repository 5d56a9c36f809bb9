"""Chinese for the messages about word vectors and their files."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "'{word}' is not among the {count} words of these vectors. Near it: {close}.": (
        "'{word}' 不在这些词向量的 {count} 个词中。相近的有：{close}。"
    ),
    "'{word}' is not among the {count} words of these vectors": "'{word}' 不在这些词向量的 {count} 个词中",
    "{name} has the shape {shape}, there are {rows} words: give one row a word": (
        "{name} 的形状是 {shape}，而词有 {rows} 个：每个词须有一行"
    ),
    "the word '{word}' is there twice: every word has one vector": "词 '{word}' 出现了两次：每个词只有一个向量",
    "{old} is an old name: it is called {new} now": "{old} 是旧名称：现在叫 {new}",
    "these vectors keep no '{name}' of a word": "这些词向量没有记录词的 '{name}'",
    "a mean of no words: give at least one": "没有词可以求平均：请至少给出一个",
    "{words} words and {weights} weights: give one weight a word": "{words} 个词却有 {weights} 个权重：每个词须有一个权重",
    "none of the words given is known: {words}": "给出的词都不认识：{words}",
    "a query has the shape {shape}, these vectors have {size} dimensions": "查询的形状是 {shape}，而这些词向量有 {size} 维",
    "nothing to compare with: give a word or a vector": "没有可比较的对象：请给出一个词或一个向量",
    "the word {word!r} cannot be saved: a word is not empty and has no line break": (
        "词 {word!r} 无法保存：词不能为空，也不能含换行"
    ),
    "{path} is missing: the folder of vectors is not whole": "缺少 {path}：词向量文件夹不完整",
    "SIF with a = {a} and {components} components: a must be above 0, components 0 or more": (
        "SIF 的 a = {a}、components = {components}：a 必须大于 0，components 不小于 0"
    ),
    "SIF learns from documents: none of those given has a known word": ("SIF 要从文档中学习：给出的文档里没有一个认识的词"),
    "this SIF is not fitted: call fit with documents first": ("该 SIF 尚未拟合：请先用文档调用 fit"),
    "a document is a list of words, not a text: split '{text}' first": ("文档须是词的列表而不是文本：请先切分 '{text}'"),
    "the held-out text is too small for a test: no two known words stand together twice": (
        "留出的文本太小，无法出题：没有两个认识的词相邻出现过两次"
    ),
    "{path} is no test of word vectors: expected lines 'word word number' or 'a b c d'": (
        "{path} 不是词向量测试：每行应为“词 词 数”或“a b c d”"
    ),
    "{path} read as a test of {kind}, named {name}": ("{path} 按 {kind} 测试读取，名为 {name}"),
    "no test of word vectors in {paths}": ("{paths} 中没有词向量测试"),
    "method = '{method}': choose 3cosadd or 3cosmul": ("method = '{method}'：请选 3cosadd 或 3cosmul"),
    "{path}: none of its {pairs} pairs has two known words": ("{path}：{pairs} 对词中没有一对是两个词都认识的"),
    "{path} is not {encoding} text ({error})": ("{path} 不是 {encoding} 文本（{error}）"),
    "{path}, line {line}: expected two words and a number, found '{text}'": (
        "{path} 第 {line} 行：应为两个词和一个数，却是 '{text}'"
    ),
    "{path}, line {line}: expected four words, found '{text}'": ("{path} 第 {line} 行：应为四个词，却是 '{text}'"),
    "{path} holds word vectors, no classifier: open it with load_vectors (format fasttext)": (
        "{path} 里是词向量而不是分类器：请用 load_vectors 打开（格式 fasttext）"
    ),
    "predict takes a list of texts: put the text in brackets": ("predict 接受文本的列表：请把文本放进方括号"),
    "k = {k}: ask for at least one label": ("k = {k}：至少要一个标签"),
    "{path} read as {format}: {words} words, {size} dimensions": ("{path} 按 {format} 读取：{words} 个词，{size} 维"),
    "limit = {limit}: read at least one word": ("limit = {limit}：至少读一个词"),
    "unknown format '{format}'.{hint}": ("未知格式 '{format}'。{hint}"),
    "{path} holds no word vectors: neither the first bytes of fastText, nor 'words dimensions', nor a word and numbers": (
        "{path} 里没有词向量：开头既不是 fastText 的标记，也不是“词数 维数”，也不是一个词和一串数"
    ),
    "{path} is {what}": ("{path} 是 {what}"),
    "{path}, byte 0: expected the first bytes of a fastText model, BA 16 4F 2F. Is it a .bin or .ftz file of fastText?": (
        "{path} 第 0 字节：应为 fastText 模型的开头 BA 16 4F 2F。它是 fastText 的 .bin 或 .ftz 文件吗？"
    ),
    "{path} has no words, only {labels} labels": ("{path} 里没有词，只有 {labels} 个标签"),
    "the word {word!r} cannot stand in a fastText file: it is empty or has a zero byte": (
        "词 {word!r} 不能写入 fastText 文件：它是空的或含有零字节"
    ),
    "subwords with pruned buckets cannot be written to {path}: save to a folder": (
        "剪过枝的子词桶不能写入 {path}：请保存为文件夹"
    ),
    "{path}: the file ends after line {line}, its first line announces {total} words. It is cut off: get it again.": (
        "{path}：文件到第 {line} 行为止，首行却说有 {total} 个词。文件被截断：请重新获取。"
    ),
    "{path}, line {line}: expected a word and {size} numbers, there are {found} fields. Mend or remove the line.": (
        "{path} 第 {line} 行：应为一个词和 {size} 个数，却有 {found} 个字段。请修正或删去该行。"
    ),
    "{path}, line {line}: {found!r} is not a number; expected a word and {size} numbers. Mend or remove the line.": (
        "{path} 第 {line} 行：{found!r} 不是数；应为一个词和 {size} 个数。请修正或删去该行。"
    ),
    "{path}, line {line}: {size} numbers without a word before them. Mend or remove the line.": (
        "{path} 第 {line} 行：{size} 个数之前没有词。请修正或删去该行。"
    ),
    "{path}, line {line}: more lines than the {total} words that line 1 announces. Mend line 1 or get the file again.": (
        "{path} 第 {line} 行：行数超过首行所说的 {total} 个词。请修正首行或重新获取文件。"
    ),
    "{path}, byte {offset}: the file ends in word {row} of {total}. It is cut off: get it again.": (
        "{path} 第 {offset} 字节：文件在第 {row} 个词（共 {total} 个）处结束。文件被截断：请重新获取。"
    ),
    "{path}, byte {offset}: word {row} of {total} is empty. The file is damaged: get it again.": (
        "{path} 第 {offset} 字节：第 {row} 个词（共 {total} 个）是空的。文件已损坏：请重新获取。"
    ),
    "{path}, byte {offset}: {left} bytes follow the {total} words that the first line announces. Get the file again.": (
        "{path} 第 {offset} 字节：首行所说的 {total} 个词之后还有 {left} 字节。请重新获取文件。"
    ),
    "{path}, line 1: {rows} words of {size} dimensions do not fit in the {left} bytes that follow. Get the file again.": (
        "{path} 第 1 行：{rows} 个 {size} 维的词放不进其后的 {left} 字节。请重新获取文件。"
    ),
    "{path}, line 1: {found!r} is not 'words dimensions', e.g. '71000 100'. Without such a line it is a GloVe file.": (
        "{path} 第 1 行：{found!r} 不是“词数 维数”（例如 '71000 100'）。没有这一行的是 GloVe 文件。"
    ),
    "the word {word!r} is empty or has a blank: save to a folder, or join it with '_'": (
        "词 {word!r} 是空的或含有空白：请保存为文件夹，或用 '_' 连接"
    ),
    "{path}, {place}: the word {word!r} is there twice, first at {earlier}. on_duplicates='first' keeps the first.": (
        "{path}，{place}：词 {word!r} 出现了两次，第一次在 {earlier}。on_duplicates='first' 保留第一个。"
    ),
    "{path}, byte {offset}: {what} is {found}, expected {expected}. The file is damaged: get it again.": (
        "{path} 第 {offset} 字节：{what} 是 {found}，应为 {expected}。文件已损坏：请重新获取。"
    ),
    "{path} is a folder without config.json: give a file of vectors": ("{path} 是没有 config.json 的文件夹：请给出词向量文件"),
    "{path}, byte {offset}: {what} needs {need} bytes, {left} are left. The file is cut off: get it again.": (
        "{path} 第 {offset} 字节：{what} 需要 {need} 字节，只剩 {left} 字节。文件被截断：请重新获取。"
    ),
    "{path}, {place}: the vector of {word!r} has a number that is not finite. Get the file again.": (
        "{path}，{place}：{word!r} 的向量中有不是有限数的值。请重新获取文件。"
    ),
    "{path} is empty: expected word vectors": ("{path} 是空的：应有词向量"),
    "{path}, {place}: the word is not {encoding} ({error}). Say its encoding, or unicode_errors='replace'.": (
        "{path}，{place}：该词不是 {encoding}（{error}）。请指明编码，或用 unicode_errors='replace'。"
    ),
    "'{encoding}' is not an encoding: try utf8, gb18030 or latin-1": ("'{encoding}' 不是编码：请试 utf8、gb18030 或 latin-1"),
    "{path}, line 1: {found!r} is not a word and its numbers. Is this a file of word vectors?": (
        "{path} 第 1 行：{found!r} 不是一个词和它的数。这是词向量文件吗？"
    ),
}
