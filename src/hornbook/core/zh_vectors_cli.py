"""Chinese sentences of word vectors at the command line, and of embedding tables that start from them."""

MESSAGES: dict[str, str] = {
    "{recipe} has no embedding table: --init-embeddings is for networks": "{recipe} 没有嵌入表：--init-embeddings 只用于神经网络",
    "--compare-init compares with word vectors: give them by --init-embeddings VECTORS": (
        "--compare-init 要与词向量比较：请用 --init-embeddings 给出词向量"
    ),
    "the word vectors and the tokenizer have no word in common: were they trained on another language?": (
        "词向量与分词器没有共同的词：它们是用别的语言训练的吗？"
    ),
    "the network's table has {size} rows, the tokenizer {tokens} tokens": "网络的嵌入表有 {size} 行，分词器有 {tokens} 个词元",
    "{known} of {size} tokens start from word vectors: {words} as words, {pieces} as pieces of words, {spelled} by spelling; "
    "the rest is random": "{size} 个词元中有 {known} 个从词向量开始：{words} 个是词，{pieces} 个是词的一部分，{spelled} 个按拼写；其余随机",
    "{tokens}; they make up {share:.1%} of the text": "{tokens}；它们占文本的 {share:.1%}",
    "the same training from a random embedding table, {steps} steps": "从随机嵌入表再做同样的训练，共 {steps} 步",
    "unknown method '{name}'.{hint}": "没有“{name}”这种方法。{hint}",
    "give something to evaluate {model} on: a text, or test files of word vectors": "请给出评测 {model} 的数据：文本，或词向量的测试文件",
    "{folder} is not a language model but {kind}": "{folder} 不是语言模型，而是 {kind}",
    "{epochs} of {wanted} epochs fit into {seconds:g} s, by a trial": "按试测，{seconds:g} 秒内可训练 {wanted} 轮中的 {epochs} 轮",
    "{folder} is a model of kind {kind}, not word vectors": "{folder} 是 {kind} 类型的模型，不是词向量",
    "a test made from the text: {splits}": "由文本得出的测试：{splits}",
    "interrupted; give the same command with --resume to go on from the last state in {folder}": (
        "已中断；用同一命令加 --resume 可从 {folder} 中的最后状态继续"
    ),
}
