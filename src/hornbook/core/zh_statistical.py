"""Chinese for the messages of the statistical room."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "counts of counts do not define Kneser-Ney discounts for order {orders}: using {used}": (
        "计数的计数不足以确定 {orders} 阶的 Kneser-Ney 折扣：改用 {used}"
    ),
    "token id {id} is outside the vocabulary of {size}: encode the text with this model's own tokenizer": (
        "词元编号 {id} 超出大小为 {size} 的词表：请用该模型自己的分词器编码文本"
    ),
    "{rows} n-grams are more than a model holds (4.29e9): lower the order or prune": (
        "{rows} 个 n 元组超过了模型上限（4.29e9）：请降低阶数或剪枝"
    ),
    "{path} is missing: the model folder is not whole": "缺少 {path}：模型文件夹不完整",
    "{path} is damaged: {what}. Restore the folder or train again.": "{path} 已损坏：{what}。请恢复该文件夹或重新训练。",
    "{path}: rows and discounts do not fit order {order}": "{path}：rows 与 discounts 同阶数 {order} 不符",
    "{folder}: the tokenizer has {found} ids, the model {expected}: they do not belong together": (
        "{folder}：分词器有 {found} 个编号，模型有 {expected} 个：二者不是一套"
    ),
    "order = {order}: choose an n-gram order from 1 to {most}": "order = {order}：n 元阶数须为 1 到 {most}",
    "minimum_counts = {counts}: start with 1 and do not decrease, e.g. 1,1,2": (
        "minimum_counts = {counts}：须以 1 开头且不递减，例如 1,1,2"
    ),
    "fallback_discounts = {discounts}: give three numbers, each above 0, below 1, 2 and 3": (
        "fallback_discounts = {discounts}：请给出三个大于 0 且分别小于 1、2、3 的数"
    ),
    "this n-gram model is not trained: call fit, or load a saved one": "该 n 元模型尚未训练：请调用 fit，或载入已保存的模型",
    "order {order} on {tokens} tokens takes {need:.0f} MB even in pieces, memory_mb is {limit}: raise it, "
    "or train on less text": (
        "{tokens} 个词元的 {order} 元模型即使分块也需要 {need:.0f} MB，而 memory_mb 为 {limit}：请调高它或减少文本"
    ),
    "counts of counts do not define Good-Turing discounts for order {orders}: using {used}": (
        "计数的计数不足以确定 {orders} 阶的 Good-Turing 折扣：改用 {used}"
    ),
    "bits = {bits}: a saved probability takes 8 or 32 bits": "bits = {bits}：保存的概率占 8 或 32 位",
    "{name} = {value}: give {least} or more": "{name} = {value}：须不小于 {least}",
    "stupid-backoff is no probability: prune it by minimum_counts, and keep bits = 32": (
        "stupid-backoff 不是概率：请用 minimum_counts 剪枝，并保持 bits = 32"
    ),
    "stupid backoff gives scores, not probabilities: no perplexity or bits per byte. Use `score`.": (
        "stupid backoff 给出的是分数而非概率：没有困惑度或每字节比特数。请使用 `score`。"
    ),
    "pruning by entropy needs the counts of the training text, which a model read from ARPA lacks": (
        "按熵剪枝需要训练文本的计数，而从 ARPA 读入的模型没有计数"
    ),
    "this tokenizer does not name its tokens: an ARPA file cannot be written": "该分词器不给词元命名：无法写 ARPA 文件",
    "{path}: the export differs from the model by {worst:.2g} nats a token, more than {limit:g}: it was removed": (
        "{path}：导出文件与模型每词元相差 {worst:.2g} nat，超过 {limit:g}：已删除"
    ),
    "token {token!r} has a blank or no letter: an ARPA file cannot hold it": "词元 {token!r} 含空白或为空：ARPA 文件无法保存",
    "two tokens are spelled {token!r}: an ARPA file cannot tell them apart": "有两个词元都写作 {token!r}：ARPA 文件无法区分",
    "{path}, line {line}: no valid ARPA file: {what}": "{path} 第 {line} 行：不是有效的 ARPA 文件：{what}",
    "{path} is not UTF-8: {error}": "{path} 不是 UTF-8：{error}",
    "{path}: the tokenizer has no token {token!r}: it does not belong to this model": (
        "{path}：分词器没有词元 {token!r}：它不属于该模型"
    ),
    "{path} has no 1-gram {token}: sentences cannot be scored": "{path} 没有一元 {token}：无法给句子打分",
    "{path} lists a word twice": "{path} 重复列出了一个词",
    "{path}: {start} stands inside an n-gram of order {order}": "{path}：{start} 出现在 {order} 阶 n 元组内部",
    "{path}: an n-gram of order {order} is listed twice": "{path}：重复列出了一个 {order} 阶 n 元组",
    "a mixture needs at least two models": "混合模型至少需要两个模型",
    "models of a mixture need one tokenizer: train them on one corpus folder": (
        "混合的各模型须用同一个分词器：请用同一个语料文件夹训练它们"
    ),
    "weights of a mixture: give {count} numbers from 0 on that sum to 1": "混合权重：请给出 {count} 个非负且和为 1 的数",
    "the domain's model and the general one need one tokenizer: the difference compares tokens": (
        "领域模型与通用模型须用同一个分词器：差值按词元比较"
    ),
}
