"""Chinese messages of the tokenizers room."""

MESSAGES: dict[str, str] = {
    "unknown tokenizer '{kind}'.{hint}": "未知的分词器“{kind}”。{hint}",
    "a closed vocabulary needs tokenizer words, not {kind}": "封闭词表只能用于分词器 words，不能用于 {kind}",
    "memory_mb = {memory} is too little: give at least 1": "memory_mb = {memory} 太小：至少为 1",
    "a {kind} tokenizer needs a size of at least {least} (bytes and special tokens), not {size}": (
        "{kind} 分词器的词表大小至少为 {least}（字节加特殊符号），不能是 {size}"
    ),
    "a segmenter is of use to tokenizer words with an open vocabulary only, not to {kind}": (
        "切分函数只能用于开放词表的分词器 words，不能用于 {kind}"
    ),
    "the segmenter turned '{text}' into {words}: its words must join to the text": (
        "切分函数把“{text}”变成了 {words}：各词连接起来必须等于原文"
    ),
    "no text to learn a tokenizer from: give at least one document that is not empty": (
        "没有可用来学习分词器的文本：请至少提供一篇非空文档"
    ),
    "more than {most} distinct words do not fit in memory_mb = {memory}: use tokenizer bpe, or give more memory": (
        "不同的词超过 {most} 个，memory_mb = {memory} 容纳不下：请改用分词器 bpe，或增加内存"
    ),
    "{path} does not exist: a tokenizer is a folder with tokenizer.json": "{path} 不存在：分词器是含有 tokenizer.json 的文件夹",
    "{path} names no end token: add eos_token to tokenizer_config.json beside it": (
        "{path} 没有指明结束符：请在同一文件夹的 tokenizer_config.json 中加上 eos_token"
    ),
    "{path} is damaged: {error}. Restore the file or train again.": "{path} 已损坏：{error}。请恢复该文件或重新训练。",
    "{path} is damaged: {tokens} tokens, but ids up to {largest}. Restore the file or train again.": (
        "{path} 已损坏：只有 {tokens} 个符号，编号却到 {largest}。请恢复该文件或重新训练。"
    ),
    "{rate:.0%} of the text is unknown to the {kind} tokenizer ({size} entries): nothing can be learned from that. "
    "Learn a tokenizer from this text, or use --tokenizer bpe, which has no unknown words.": (
        "文本的 {rate:.0%} 不在 {kind} 分词器（{size} 项）中：这样学不到东西。请用这些文本训练分词器，或使用没有未知词的 --tokenizer bpe。"
    ),
    "{rate:.0%} of the text is not in the {kind} tokenizer's {size} entries and would be spelled byte by byte. "
    "Learn the tokenizer from this text, give it a larger size, or use --tokenizer bytes.": (
        "文本的 {rate:.0%} 不在 {kind} 分词器的 {size} 项中，只能逐字节拼写。"
        "请用这些文本训练分词器、增大词表，或使用 --tokenizer bytes。"
    ),
}
