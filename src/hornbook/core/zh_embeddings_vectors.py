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
}
