"""Chinese for the messages of hidden Markov models, taggers and segmenters."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "{states} states over {vocabulary} ids take {need:.0f} MB to train, of {limit:.0f} MB on this machine: "
    "lower states, threads or the vocabulary": (
        "{vocabulary} 个编号上的 {states} 个隐状态训练需要 {need:.0f} MB，本机共 {limit:.0f} MB：请减少隐状态数、线程数或词表"
    ),
    "a tagger of {words} words and {tags} tags takes {need:.0f} MB, of {limit:.0f} MB on this machine: "
    "train with fewer tags or less text": (
        "{words} 个词、{tags} 个标签的标注器需要 {need:.0f} MB，本机共 {limit:.0f} MB：请减少标签或训练文本"
    ),
    "states = {states}: choose 1 to 4096 hidden states": "states = {states}：隐状态数须为 1 到 4096",
    "{name} = {value}: choose 1 or more": "{name} = {value}：须不小于 1",
    "{name} = {value}: choose 0 or more": "{name} = {value}：须不小于 0",
    "this hidden Markov model is not trained: call fit, or load a saved one": (
        "该隐马尔可夫模型尚未训练：请调用 fit，或载入已保存的模型"
    ),
    "resume needs the folder of the checkpoints": "继续训练需要给出存放检查点的文件夹",
    "going on after iteration {done}": "从第 {done} 次迭代之后继续",
    "{tokens} tokens have probability 0 in every state: set emission_prior above 0, or start from other tables": (
        "{tokens} 个词元在所有状态下概率都为 0：请把 emission_prior 设为大于 0，或换一个起点"
    ),
    "{folder} is the checkpoint of another training ({names} differ): choose another folder, or do not resume": (
        "{folder} 是另一次训练的检查点（{names} 不同）：请换一个文件夹，或不要继续训练"
    ),
    "{name} = {value}: choose a number above 0": "{name} = {value}：须为大于 0 的数",
    "there are no tagged words to learn from": "没有可供学习的带标注的词",
    "the labels are not {scheme}: {error}": "标签不符合 {scheme} 方案：{error}",
    "{changed} labels were read as the beginning of a span: they continue none": "{changed} 个标签前面没有可延续的片段，已按片段开头读取",
    "this tagger is not trained: call fit, or load a saved one": "该标注器尚未训练：请调用 fit，或载入已保存的模型",
    "there are no words to learn from": "没有可供学习的词",
    "this segmenter is not trained: call fit, or load a saved one": "该分词器尚未训练：请调用 fit，或载入已保存的模型",
    "it is not a word, or a word, its frequency and its tag": "它不是一个词，也不是“词 词频 词性”",
    "it is longer than 64 characters": "它超过 64 个字符",
    "it is there already": "它已经有了",
    "{path}: {used} lines used, {rejected} rejected": "{path}：采用 {used} 行，未采用 {rejected} 行",
    "{path}, line {line}: '{text}' was not used: {reason}": "{path} 第 {line} 行：未采用“{text}”：{reason}",
}
