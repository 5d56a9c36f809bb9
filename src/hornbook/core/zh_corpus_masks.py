"""Chinese for the errors of masked batches, word starts and sentence pairs, and for the counts of a preview."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "masked = {masked} and random = {random}: shares of the masked tokens, together at most 1": (
        "masked = {masked}，random = {random}：两者是被遮盖词元中的比例，合计最多为 1"
    ),
    "unknown units of masking '{units}'.{hint}": "未知的遮盖单位“{units}”。{hint}",
    "span_stop must lie between 0 and 1, longest_span be at least 1 and static_copies at least 0": (
        "span_stop 必须在 0 和 1 之间，longest_span 至少为 1，static_copies 至少为 0"
    ),
    "the tokenizer has only special tokens: there is nothing to predict": "分词器中只有特殊词元：没有可预测的内容",
    "{name} = {value}: a mask rate lies above 0 and at most at 1; 0.15 is usual": (
        "{name} = {value}：遮盖比例必须大于 0 且不超过 1；通常取 0.15"
    ),
    "the tokenizer has no mask token: train another one, or choose one of BERT's kin": (
        "分词器没有遮盖词元（mask）：请另外训练一个，或选用 BERT 一类的分词器"
    ),
    "a masked batch needs at least 1 row of at least {least} tokens, not {rows} of {length}": (
        "遮盖批次至少要有 1 行、每行至少 {least} 个词元，不能是 {rows} 行、每行 {length} 个"
    ),
    "masking whole words needs to know where they begin: add word starts to the token shards first": (
        "整词遮盖需要知道词从哪里开始：请先为词元分片加上词的起点"
    ),
    "pairs need a second segment from another document, and there is only one: separate documents by blank lines, "
    "or train without next-sentence prediction": (
        "句对的第二段要取自另一篇文档，而这里只有一篇：请用空行分隔文档，或在训练时不用下一句预测"
    ),
    "no document has a second sentence, so no pair follows another: keep documents whole, "
    "or train without sentence pairs": "没有一篇文档有第二个句子，无法组成前后相接的句对：请保持文档完整，或在训练时不用句对",
    "{predicted} of {tokens} tokens predicted ({share:.1%}), in {stretches} stretches; "
    "shown masked {masked:.1%}, as another token {random:.1%}, as they are {kept:.1%}; places in use {used:.1%}": (
        "{tokens} 个词元中预测 {predicted} 个（{share:.1%}），共 {stretches} 段；"
        "其中遮盖 {masked:.1%}，换成其他词元 {random:.1%}，保持原样 {kept:.1%}；位置使用率 {used:.1%}"
    ),
}
