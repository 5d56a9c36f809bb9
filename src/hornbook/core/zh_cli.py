"""Chinese sentences of the command line and the public functions."""

MESSAGES: dict[str, str] = {
    "{folder} is not a model folder: it has no {name}": "{folder} 不是模型目录：里面没有 {name}",
    "{recipe} has no style '{style}': choose from {names}": "{recipe} 没有“{style}”这种风格：可选 {names}",
    "{path} is not the configuration of a model: {error}": "{path} 不是模型的配置：{error}",
    "{where}: no model of kind '{kind}'.{hint}": "{where}：没有“{kind}”这种模型。{hint}",
    "unknown recipe '{name}'.{hint}": "没有“{name}”这个配方。{hint}",
    "unknown tokenizer '{kind}'.{hint}": "没有“{kind}”这种分词器。{hint}",
    "{kind}: {error}. This is a fault of hornbook's: run again with --debug and report it.": (
        "{kind}：{error}。这是 hornbook 的错误：请加 --debug 再运行一次并报告。"
    ),
    "interrupted": "已中断",
    "'{name}' is the recipe here, not the folder of that name: write ./{name} to train that one on": (
        "这里的“{name}”是配方，而不是同名目录：要接着训练该目录里的模型，请写 ./{name}"
    ),
    "out of memory: use a smaller --model.width, a smaller --training.rows, or a larger machine": (
        "内存不足：请用更小的 --model.width 或 --training.rows，或换内存更大的机器"
    ),
    "give a text to race on, or --demo": "请给出比赛用的文本，或用 --demo",
    "give a text to race on, or --demo, not both": "请给出比赛用的文本，或用 --demo，两者只能选一",
    "--nproc is for networks; {recipe} uses threads: --threads": "--nproc 只用于神经网络；{recipe} 使用线程：--threads",
}
