"""Chinese sentences of vocabularies that grow and of texts that are mixed."""

MESSAGES: dict[str, str] = {
    "--new-tokens is {count}: give at least 1": "--new-tokens 为 {count}：至少应为 1",
    "the tokenizer ({kind}) cannot take new tokens: {reason}": "该分词器（{kind}）无法增加新词元：{reason}",
    "it is a {model} model": "它是 {model} 模型",
    "it does not cut text into words first": "它不先把文本切成词",
    "it joins no pieces": "它不合并片段",
    "its pieces carry marks of where words end": "它的片段带有词尾标记",
    "its added tokens would change their ids": "其附加词元的编号会改变",
    "no string of the text stands in it {least} times and is cut into pieces: there is nothing to add to the tokenizer": (
        "文本中没有出现 {least} 次以上又被切成数段的字符串：分词器无可增加"
    ),
    "{count:,} new tokens; what the first save, in tokens (in bits): {shown}": (
        "{count:,} 个新词元；前几个所节省的词元数（比特数）：{shown}"
    ),
    "held-out text: {share:+.1%} tokens; a trigram model: {before:.4f} bits per byte before, {after:.4f} after": (
        "留出文本：词元数 {share:+.1%}；三元模型：此前每字节 {before:.4f} 比特，此后 {after:.4f}"
    ),
    "the new tokens hardly shorten text that they were not chosen from": "新词元几乎没有缩短未参与挑选的文本",
    "--mix shares the rows of a network's batches; {recipe} has none": "--mix 分配神经网络每批的行数；{recipe} 没有批",
    "--mix mixes several texts: give at least two": "--mix 混合多份文本：请至少给出两份",
    "--mix {mix} is neither a power from 0 to 1 nor weights: --mix 0.3, or --mix {example}": (
        "--mix {mix} 既不是 0 到 1 的幂，也不是权重：可写 --mix 0.3 或 --mix {example}"
    ),
    "--mix: no text is called '{name}'.{hint}": "--mix：没有名为“{name}”的文本。{hint}",
    "--mix: '{name}' needs a weight above 0, as in {name}=1": "--mix：“{name}”的权重须大于 0，例如 {name}=1",
    "{count} of {total} training texts stand in several sources of --mix: they are read once for each": (
        "{total} 篇训练文本中有 {count} 篇出现在 --mix 的多个来源里：每个来源都会各读一次"
    ),
    "leave them out of all sources but one, unless they shall weigh more": "请只在一个来源里保留它们，除非有意增加其权重",
    "{count} of {total} held-out texts of {name} are training texts of another source": (
        "{name} 的 {total} 篇留出文本中有 {count} 篇是另一来源的训练文本"
    ),
    "leave them out there: the score of {name} is too good": "请在那里去掉它们：{name} 的得分偏高",
    "rows of a batch of {rows} by text: {parts}": "每批 {rows} 行按文本分配：{parts}",
    "train on without --new-tokens, or give more text": "请不用 --new-tokens 继续训练，或提供更多文本",
}
