"""Every sentence of the race's table and report, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hornbook.core.errors import UsageError, nearest

LANGUAGES = ("en", "zh")

TEXT: dict[str, tuple[str, str]] = {
    # the headline
    "title": ("hornbook race: {corpus}", "hornbook 比赛：{corpus}"),
    "eyebrow": ("hornbook race", "hornbook 比赛"),
    "meta": (
        "{models} models, one text, one tokenizer, a budget of {budget}; the race took {seconds}.",
        "{models} 个模型，同一份文本，同一个分词器，预算 {budget}；比赛用时 {seconds}。",
    ),
    "nothing": ("No model could be ranked.", "没有可以排名的模型。"),
    "alone": ("{winner} reaches {bits} bits per byte.", "{winner} 达到每字节 {bits} 比\u2060特。"),
    "wins": (
        "{winner} wins: {bits} bits per byte, {percent} fewer than {second} ({second_bits}).",
        "{winner} 胜出：每字节 {bits} 比\u2060特，比 {second}（{second_bits}）少 {percent}。",
    ),
    "ties": (
        "{names} are tied at {bits} bits per byte: this test text does not tell them apart.",
        "{names} 并列：每字节 {bits} 比\u2060特，这份测试文本分不出它们的高下。",
    ),
    "ties_then": (
        "The next, {second} ({second_bits}), needs {percent} more bits than {winner}.",
        "其后的 {second}（{second_bits}）比 {winner} 多用 {percent} 的比特。",
    ),
    "beyond_chance": (
        "The lead of {difference} bits per byte (95 % interval {low} to {high}) is more than chance explains.",
        "领先每字节 {difference} 比特（95 % 区间 {low} 至 {high}），超出偶然所能解释的范围。",
    ),
    "cost": (
        "{winner} trained for {seconds} and takes {size} MB on disk.",
        "{winner} 训练了 {seconds}，占磁盘 {size} MB。",
    ),
    "too_small": (
        "The budget was too small to judge {names} fairly: try --budget {budget}.",
        "预算太小，不足以公平评判 {names}：可试 --budget {budget}。",
    ),
    "and": (" and ", " 和 "),
    "semicolon": ("; ", "；"),
    "use_line": ("{purposes}: {name}", "{purposes}：{name}"),
    "comma": (", ", "、"),
    # which model to use
    "use_quality": ("Best quality", "质量最好"),
    "use_small": ("Small on disk", "体积小"),
    "use_cheap": ("Cheap to train", "训练省时"),
    "why_quality": ("The fewest bits per byte on held-out text.", "在留出文本上每字节比特数最少。"),
    "why_quality_tied": (
        "Tied with {names} on held-out text.",
        "在留出文本上与 {names} 不分高下。",
    ),
    "why_small": ("The smallest within {tolerance} of the best.", "与最好者相差不超过 {tolerance} 的模型中体积最小。"),
    "why_cheap": ("The quickest to train within {tolerance} of the best.", "与最好者相差不超过 {tolerance} 的模型中训练最快。"),
    "why_only": ("No other model comes within {tolerance} of it.", "没有其他模型与它相差在 {tolerance} 以内。"),
    # sections
    "ranking": ("Ranking", "排名"),
    "ranking_lead": (
        "Held-out bits per byte: fewer is better. Dots are measurements, whiskers their 95 % intervals. A rank is shared "
        "(=) where a paired "
        "test on the same text does not tell two models apart.",
        "留出文本上的每字节比特数，越少越好。圆点为测量值，横须为 95 % 区间。"
        "在同一文本上做配对检验而分不出高下的模型并列（=）。",
    ),
    "curves": ("Learning curves", "学习曲线"),
    "curves_lead": (
        "Held-out bits per byte while training. A model that learns in one pass is a point; the dashed line carries its level.",
        "训练过程中留出文本的每字节比特数。一遍学成的模型画成一个点，虚线延续它的水平。",
    ),
    "masked_curves": ("Learning curves of models that guess hidden tokens", "猜被遮词元的模型的学习曲线"),
    "masked_curves_lead": (
        "The share of hidden tokens of held-out text that was not guessed, while training: they have no bits per byte.",
        "训练过程中留出文本里未能猜中的被遮词元所占的比例：这类模型没有每字节比特数。",
    ),
    "axis_misses": ("share of hidden tokens not guessed", "未猜中的被遮词元比例"),
    "curves_improving": ("Still improving when the time ran out: {names}.", "时间用完时仍在进步：{names}。"),
    "curves_note": (
        "In brackets, the bits gained over the last fifth of the training time: more budget should help these most.",
        "括号内为最后五分之一训练时间里减少的比特：加大预算对它们最有用。",
    ),
    "curves_sample": (
        "The curves are measured on a sample of the held-out text, so their ends differ from the ranking.",
        "曲线在留出文本的一个样本上测得，因此终点与排名中的数值不同。",
    ),
    "curve_log": ("time, logarithmic", "时间（对数）"),
    "curve_linear": ("time, linear", "时间（线性）"),
    "curve_tokens": ("tokens seen", "已见词元"),
    "frontier": ("Quality against cost", "质量与代价"),
    "frontier_lead": (
        "Lower and further left is better. The stepped line joins the models that no other model beats in both: the choice "
        "is among them.",
        "越低、越靠左越好。阶梯线连接两方面都不被其他模型超过的模型：在它们之中挑选。",
    ),
    "context": ("How far back context helps", "多远的上文还有用"),
    "context_lead": (
        "What a model loses, in bits a token, when it sees only so many of the tokens before. Where a line comes down to zero, "
        "what stands further back no longer helps; an n-gram model ends with its order.",
        "模型只能看到前面若干个词元时，每个词元多用的比特。曲线降到零之处，再往前的文本就不再有帮助：n 元模型止于它的阶数。",
    ),
    "context_reach": ("reach, tokens", "可及词元数"),
    "context_1": ("lost with 1 in sight", "只见 1 个时的损失"),
    "context_16": ("lost with 16", "只见 16 个时的损失"),
    "context_stretches": ("samples", "样本数"),
    "axis_context": ("tokens in sight, logarithmic", "可见词元数（对数）"),
    "axis_lost": ("bits a token lost", "每词元多用的比特"),
    "samples": ("In their own words", "各说各话"),
    "samples_lead": (
        "Every model continues the same beginning (in bold), each left to its own sampling with the same seed.",
        "每个模型续写同一个开头（粗体），采样种子相同。",
    ),
    "samples_lead_plain": ("Text that each model writes by itself.", "每个模型自己写出的文本。"),
    "vectors": ("Words in space", "词的空间"),
    "vectors_lead": (
        "Word vectors are no language model, so they have no bits per byte; the cloze test is where they meet the others. "
        "The map shows frequent words in the plane that keeps most of their differences; words used alike lie together.",
        "词向量不是语言模型，没有比特/字节；完形测试是它们与其他模型相遇之处。图中是常用词在保留差异最多的平面上的位置，用法相近的词彼此靠近。",
    ),
    "map_title": ("Map of frequent words, {name}", "常用词地图，{name}"),
    "map_note": (
        "The plane keeps {percent} of the variance: two words that lie together here may still be apart in the other {others}.",
        "这个平面保留了 {percent} 的方差：图上靠近的词，在其余 {others} 中仍可能相距较远。",
    ),
    "map_others": ("dimensions", "维"),
    "neighbours_of": ("word", "词"),
    "neighbours": ("nearest neighbours (cosine)", "最近邻（余弦）"),
    "forecast": ("Forecast and outcome", "预测与实际"),
    "forecast_lead": (
        "What the probe of this machine foretold, and what happened. × 1 is a perfect forecast; off by more than half is "
        "marked.",
        "对本机试测之后的预测，与实际结果对照。× 1 为完全命中；偏差超过一半者加标记。",
    ),
    "time": ("Where the time went", "时间花在哪里"),
    "facts": ("Text, tokenizer, machine", "文本、分词器与机器"),
    "method": ("How it was measured", "如何测量"),
    "use": ("Use a model", "使用模型"),
    "reproduce": ("Run it again", "重新运行"),
    "alarms": ("Alarms", "警报"),
    "see_alarms": ("see alarms", "见警报"),
    "notes": ("Notes", "备注"),
    # columns and quantities
    "rank": ("rank", "名次"),
    "model": ("model", "模型"),
    "generation": ("generation", "代"),
    "generation_short": ("gen", "代"),
    "bits": ("bits per byte", "比特/字节"),
    "bits_short": ("bits/byte", "比特/字节"),
    "interval": ("95 % interval", "95 % 区间"),
    "cloze": ("cloze", "完形"),
    "masked": ("masked", "掩码"),
    "cloze_long": ("cloze accuracy", "完形正确率"),
    "task": ("task", "任务"),
    "trained": ("trained", "训练"),
    "tokens": ("tokens seen", "已见词元"),
    "tokens_short": ("tokens", "词元"),
    "epochs": ("epochs", "轮数"),
    "parameters": ("parameters", "参数"),
    "parameters_short": ("params", "参数"),
    "size": ("size, MB", "体积 MB"),
    "size_short": ("MB", "MB"),
    "latency": ("latency, ms", "延迟 ms"),
    "latency_short": ("ms/token", "毫秒/词元"),
    "memory": ("memory, MB", "内存 MB"),
    "memory_short": ("RSS MB", "内存 MB"),
    "axis_time": ("training time", "训练时间"),
    "axis_tokens": ("tokens seen in training", "训练中已见词元"),
    "axis_size": ("size on disk, MB", "磁盘体积，MB"),
    "axis_latency": ("latency of one more token, ms", "每多一个词元的延迟，毫秒"),
    "axis_bits": ("held-out bits per byte", "留出文本的比特/字节"),
    "tab_size": ("size", "体积"),
    "tab_latency": ("latency", "延迟"),
    "tab_time": ("training time", "训练时间"),
    "cloze_place": ("place {rank} in the cloze test", "完形测试第 {rank} 名"),
    "cloze_places": (
        "Best in the cloze test, which all can take: {best}; places of those without bits per byte: {places}.",
        "所有模型都参加的完形测试中最好的是 {best}；没有比特/字节的模型的名次：{places}。",
    ),
    "cloze_place_of": ("{names} {rank}", "{names} 第 {rank}"),
    "cloze_alone": (
        "No model has bits per byte; {winner} answers the most cloze questions: {percent}.",
        "没有模型有比特/字节；{winner} 答对的完形题最多：{percent}。",
    ),
    "tied_with": ("tied with {names}", "与 {names} 并列"),
    "judge": ("share too small to judge", "份额太小，无法评判"),
    "off_chart": ("Beyond the edge of the chart: {names}.", "超出图外：{names}。"),
    "generation_1": ("word vectors", "词向量"),
    "generation_2": ("statistical", "统计"),
    "generation_3": ("recurrent", "循环网络"),
    "generation_4": ("Transformer", "Transformer"),
    "foretold": ("forecast", "预测"),
    "happened": ("outcome", "实际"),
    "quantity_tokens": ("tokens seen", "已见词元"),
    "quantity_seconds": ("training time", "训练时间"),
    "quantity_bits_per_byte": ("bits per byte", "比特/字节"),
    "quantity_peak_rss_mb": ("memory, MB", "内存 MB"),
    "quantity_size_mb": ("size, MB", "体积 MB"),
    "quantity_latency_ms": ("latency, ms", "延迟 ms"),
    "quantity_parameters": ("parameters", "参数"),
    "quantity_tokens_per_second": ("tokens/s", "词元/秒"),
    # facts
    "corpus": ("Text", "文本"),
    "tokenizer": ("Tokenizer, shared by all", "分词器（共用）"),
    "machine": ("Machine", "机器"),
    "versions": ("Versions", "版本"),
    "settings": ("Settings", "设置"),
    "name": ("name", "名称"),
    "split_train": ("train", "训练"),
    "split_valid": ("valid", "验证"),
    "split_test": ("test", "测试"),
    "split": ("{documents} documents, {bytes}B", "{documents} 篇，{bytes}B"),
    "split_tokens": ("{documents} documents, {bytes}B, {tokens} tokens", "{documents} 篇，{bytes}B，{tokens} 词元"),
    "language": ("language", "语言"),
    "kind": ("kind", "种类"),
    "vocabulary": ("vocabulary", "词表"),
    "bytes_per_token": ("bytes per token", "字节/词元"),
    "fertility": ("tokens per word", "词元/词"),
    "unknown_rate": ("unknown", "未知率"),
    "processor": ("processor", "处理器"),
    "cores": ("cores", "核数"),
    "threads": ("threads", "线程"),
    "ram": ("memory", "内存"),
    "device": ("device", "设备"),
    "seed": ("seed", "随机种子"),
    # method
    "method_bits": (
        "Bits per byte is the length of the held-out text when the model is used to compress it, −log₂ of its probability, "
        "divided by the raw "
        "UTF-8 bytes of the original text. It does not depend on the tokenizer's units; half the bits means half the file.",
        "每字节比特数，是用模型压缩留出文本时的长度（概率的 −log₂）除以原始文本的 UTF-8 字节数。它与分词单位无关；"
        "比特减半，文件就减半。",
    ),
    "method_document": (
        "Every document is scored from a fresh state: its first token given nothing, then every token given those before "
        "it, then the end of "
        "the document.",
        "每篇文档都从全新状态开始计分：先是没有上文的第一个词元，再逐个给定前文，最后是文档结束。",
    ),
    "method_interval": (
        "Intervals are 95 % bootstrap intervals that resample {unit} ({units}). Two models are compared on the same "
        "{unit}: they are tied when "
        "the 95 % interval of their paired difference holds zero.",
        "区间为 95 % 自助法区间，重抽样单位是{unit}（{units}）。两个模型在同样的{unit}上配对比较：配对差的 95 % 区间含零，"
        "即为并列。",
    ),
    "method_cloze": (
        "Cloze accuracy: the held-out word is to be picked among distractors of like frequency.",
        "完形正确率：从词频相近的干扰词中选出被遮去的词。",
    ),
    "method_masked": (
        "BERT and RoBERTa guess a hidden token from both sides. That is no probability of a text, so they have no bits per "
        "byte; “masked” is how often their first guess is right (15 % hidden); the cloze test is where they meet the others.",
        "BERT 与 RoBERTa 由两侧猜出被遮的词元，这不是文本的概率，所以没有比特/字节；“掩码”是首选猜中的比例（遮去 15 %），"
        "完形测试是它们与其他模型相遇之处。",
    ),
    "method_context": (
        "For the reach of the context, the last four tokens of stretches of the held-out text are scored with ever more of "
        "what stands before them, from a fresh state. The reach is the shortest context that loses less than 0.03 bits a token "
        "against the longest at 97.5 % confidence; a slow model is asked fewer stretches, and few make the reach look longer.",
        "测量上文的可及范围时，对留出文本片段的最后四个词元计分，逐步放开其前文，每次都从全新状态开始。可及范围是与最长上文相比，"
        "每词元损失以 97.5 % 的把握小于 0.03 比特的最短上文；较慢的模型只测较少的片段，片段少时可及范围会显得更长。",
    ),
    "method_tokenizer": (
        "All models share one tokenizer, trained on the training text alone; none has a word it cannot spell.",
        "所有模型共用一个只用训练文本训练的分词器；没有拼不出来的词。",
    ),
    "method_budget": (
        "The budget is wall time for everything, evaluation included. Contestants get equal shares; what one leaves unused "
        "goes to the rest. "
        "Latency is one more token of one text on this machine.",
        "预算是包括评测在内的全部墙钟时间。各模型份额相等，用不完的部分分给其余模型。"
        "延迟是在本机上为一段文本多算一个词元的时间。",
    ),
    "unit_documents": ("documents", "文档"),
    "unit_blocks of paragraphs": ("blocks of paragraphs", "段落块"),
    "unit_blocks": ("blocks of {tokens} tokens", "每块 {tokens} 词元的文本块"),
    "use_generate": ("write text", "生成文本"),
    "use_evaluate": ("score your own text", "给自己的文本打分"),
    "use_fill": ("fill a gap", "填空"),
    "use_gap": ("write ___ here", "在这里写 ___ 即可"),
    "use_neighbours": ("find words used alike", "查找用法相近的词"),
    "use_python": ("or in Python", "或在 Python 中"),
    "reproduce_lead": ("The same command with the same seed runs the same race.", "相同命令、相同种子，就是相同的比赛。"),
    "numbers_file": ("All numbers of this page are in report.json.", "本页所有数字都在 report.json 中。"),
    "stage_other": ("other", "其他"),
    "stage_corpus": ("corpus", "语料"),
    "stage_tokenizer and shards": ("tokenizer and shards", "分词器与分片"),
    "stage_cloze items": ("cloze items", "完形题目"),
    "stage_probe": ("probe", "试测"),
    "stage_report": ("report", "报告"),
    "share_of": ("of {seconds}", "共 {seconds}"),
}


@dataclass(frozen=True)
class Words:
    """The sentences in one language: Words("zh")("ranking")."""

    language: str = "en"
    table: Mapping[str, tuple[str, str]] = field(default_factory=lambda: TEXT, repr=False)  # of another report: its own

    def __post_init__(self) -> None:
        if self.language not in LANGUAGES:
            hint = nearest(self.language, LANGUAGES)
            raise UsageError("no report in the language '{language}'.{hint}", language=self.language, hint=hint)

    def __call__(self, key: str, **fields: object) -> str:
        """The sentence of that key with its fields filled in; KeyError for an unknown key."""
        template = self.table[key][LANGUAGES.index(self.language)].replace(" %", "\u00a0%")
        return template.format(**fields) if fields else template

    def known(self, key: str, otherwise: str) -> str:
        """The sentence of that key, or `otherwise` where there is none (names that come from outside)."""
        return self.table[key][LANGUAGES.index(self.language)] if key in self.table else otherwise

    def purposes(self, keys: tuple[str, ...]) -> str:
        """'Best quality, small on disk': what one model is good for."""
        first, *rest = [self(f"use_{key}") for key in keys]
        return self("comma").join([first, *(text[0].lower() + text[1:] for text in rest)])

    def sentences(self, texts: list[str] | tuple[str, ...]) -> str:
        """Sentences one after the other; Chinese needs no space between them."""
        return ("" if self.language == "zh" else " ").join(texts)

    def listing(self, names: list[str] | tuple[str, ...]) -> str:
        """'a', 'a and b', 'a, b and c'."""
        if len(names) < 2:
            return "".join(names)
        return self("comma").join(names[:-1]) + self("and") + names[-1]
