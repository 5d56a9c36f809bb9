"""Chinese of the messages of training/."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "give a training budget: either training.steps or training.seconds must be above 0, and not both": (
        "请给出训练预算：training.steps 与 training.seconds 必须恰好有一个大于 0"
    ),
    "training.{name} is {value}: it must be {limits}": "training.{name} 为 {value}：必须为 {limits}",
    "training.warmup {warmup} and training.decay {decay} are more than the whole budget": (
        "training.warmup {warmup} 与 training.decay {decay} 之和超过了全部预算"
    ),
    "unknown device '{name}'.{hint}": "未知设备“{name}”。{hint}",
    "device {name} is not there: torch sees no CUDA device. Use --device cpu.": (
        "没有设备 {name}：torch 找不到 CUDA 设备。请用 --device cpu。"
    ),
    "device {name} is not there: torch sees no Apple GPU. Use --device cpu.": (
        "没有设备 {name}：torch 找不到苹果 GPU。请用 --device cpu。"
    ),
    "the model has no parameter to train: all are frozen": "模型没有可训练的参数：全部被冻结",
    "the checkpoint does not fit the optimiser: {name} is {where}": "检查点与优化器不符：{name} {where}",
    "missing": "缺失",
    "unexpected": "多余",
    "none": "无",
    "{path} cannot be read: {error}": "无法读取 {path}：{error}",
    "the checkpoint was written by another version: {fields} differ": "检查点由另一版本写成：{fields} 不同",
    "cannot resume {checkpoint}: {field} was {before} and is {now} now. Use the same settings, another -o, "
    "or --training.resume-changed yes": (
        "无法从 {checkpoint} 继续：{field} 原为 {before}，现为 {now}。请使用相同的设置、另选 -o，"
        "或加上 --training.resume-changed yes"
    ),
    "checkpoint step {step} not saved: disk full (need {need:.1f} MB, {free:.1f} MB free); last good checkpoint: {last}": (
        "第 {step} 步的检查点未保存：磁盘已满（需要 {need:.1f} MB，剩余 {free:.1f} MB）；上一个完好的检查点：{last}"
    ),
    "the checkpoints need {need:.1f} MB, the disk of {folder} has {free:.1f} MB free": (
        "检查点需要 {need:.1f} MB，{folder} 所在磁盘只剩 {free:.1f} MB"
    ),
    "free some space, choose another folder with -o, or lower training.keep": (
        "请腾出空间、用 -o 另选文件夹，或减小 training.keep"
    ),
    "{path} is damaged: {error}. Restore the folder or train again.": "{path} 已损坏：{error}。请恢复该文件夹或重新训练。",
    "a damaged checkpoint was set aside as {target}: {error}": "损坏的检查点已移到 {target}：{error}",
    "training continues from the checkpoint before it; delete the damaged one when you like": (
        "训练从它之前的检查点继续；损坏的那个可随时删除"
    ),
    "this torch has no distributed package: train with --nproc 1": "此 torch 不含分布式模块：请用 --nproc 1 训练",
    "another process of this training ended or does not answer: {reason}": "本次训练的另一个进程已结束或没有响应：{reason}",
    "--nproc is {nproc}: it must be at least 1": "--nproc 为 {nproc}：至少应为 1",
    "process {rank} of {nproc} ended with code {code}: see its messages above": (
        "{nproc} 个进程中的第 {rank} 个以代码 {code} 结束：见上方其消息"
    ),
    "{folder} has checkpoints of an earlier run: continue it with --resume or choose another -o": (
        "{folder} 中有先前训练的检查点：请用 --resume 继续，或另选 -o"
    ),
    "precision {precision}: a small step took {measured}": "精度 {precision}：一小步用时 {measured}",
    "the checkpoint was made with {before} threads, now there are {now}: the result will not be bit-identical": (
        "检查点由 {before} 个线程写成，现在是 {now} 个：结果不会逐位相同"
    ),
    "about {need:.0f} MB of memory for this training": "本次训练约需内存 {need:.0f} MB",
    "{checkpoint} does not fit the model: {name} is {problem}": "{checkpoint} 与模型不符：{name} {problem}",
    "the number of processes or pieces changed: recurrent states start empty": "进程数或分块数已变：循环状态从空开始",
    "resumed {checkpoint}: step {step}, {seconds:.0f} s trained": "从 {checkpoint} 继续：第 {step} 步，已训练 {seconds:.0f} 秒",
    "training stopped at step {step}: loss or gradient was not finite {count} times in a row (learning rate {rate:.3g}, "
    "batches {first} to {last}). Last good checkpoint: {checkpoint}. Lower the learning rate or look at the weights "
    "you started from.": (
        "训练在第 {step} 步停止：损失或梯度连续 {count} 次不是有限数（学习率 {rate:.3g}，批次 {first} 到 {last}）。"
        "上一个完好的检查点：{checkpoint}。请降低学习率，或检查初始权重。"
    ),
    "training stopped at step {step}: {name} is not finite, so nothing was saved. Last good checkpoint: "
    "{checkpoint}. Lower the learning rate or look at the weights you started from.": (
        "训练在第 {step} 步停止：{name} 不是有限数，因此没有保存。上一个完好的检查点：{checkpoint}。"
        "请降低学习率，或检查初始权重。"
    ),
    "stopped at step {step}; no folder was given, so nothing was saved": "在第 {step} 步停止；没有给出文件夹，因此没有保存",
    "stopped at step {step}, saved in {folder}: give the same command with --resume to continue": (
        "在第 {step} 步停止，已保存到 {folder}：在同一命令后加 --resume 即可继续"
    ),
    "evaluate() must give 'error', 'loss' or 'bits_per_byte', it gave {names}": (
        "evaluate() 必须给出 'loss' 或 'bits_per_byte'，实际给出 {names}"
    ),
    "{count} of {steps} steps were skipped because loss or gradient was not finite": (
        "{steps} 步中有 {count} 步因损失或梯度不是有限数而跳过"
    ),
    "lower the learning rate": "请降低学习率",
    "{steps} steps are too few to judge the model: give it more time": "{steps} 步太少，无法评判模型：请给更多时间",
    "the loss did not fall: {first:.3f} nats per token at the start, {last:.3f} at the end": (
        "损失没有下降：开始时每词元 {first:.3f} 奈特，结束时 {last:.3f}"
    ),
    "raise the learning rate or the budget, and look at the corpus report": "请提高学习率或预算，并查看语料报告",
    "the model learned nothing from context: loss {last:.3f} nats per token, counting tokens alone gives {unigram:.3f}": (
        "模型没有从上下文学到东西：每词元损失 {last:.3f} 奈特，仅按词元频率计数即为 {unigram:.3f}"
    ),
    "give it a longer budget or a smaller model, or raise the learning rate": "请给更长的预算或更小的模型，或提高学习率",
    "training needs about {need:.0f} MB (weights and optimiser {weights:.0f}, activations {activations:.0f}) and "
    "{used:.0f} MB are in use, of {limit:.0f} MB: lower --training.rows, raise --training.accumulate, or force it with "
    "--training.ignore-memory yes": (
        "训练约需 {need:.0f} MB（权重与优化器 {weights:.0f}，激活 {activations:.0f}），已用 {used:.0f} MB，共 {limit:.0f} MB："
        "请减小 --training.rows 或增大 --training.accumulate，或用 --training.ignore-memory yes 强制开始"
    ),
    "out of memory while training: lower --training.rows or raise --training.accumulate, or choose a smaller model": (
        "训练时内存不足：请减小 --training.rows、增大 --training.accumulate，或选用更小的模型"
    ),
    "budget": "预算用完",
    "patience": "不再进步",
    "terminated": "被终止",
    "training": "训练",
    "whole words are hidden; text without spaces is cut by {segmenter}": "遮住整词；不分词的文本用 {segmenter} 切分",
    "no segmenter '{name}': give rjieba, characters, or the folder of a trained segmenter": (
        "没有分词器 '{name}'：请给 rjieba、characters，或训练好的分词器的文件夹"
    ),
    "{rows} rows cannot be shared by {texts} texts of weights {weights}: give more rows, and weights above 0": (
        "{rows} 行无法分给 {texts} 份文本（权重 {weights}）：请增加行数，并使权重大于 0"
    ),
    "a temperature of {temperature} does not mix texts: it must be above 0": "温度 {temperature} 不能混合文本：必须大于 0",
    "a model of kind {kind} cannot be trained on: only networks can": "{kind} 类型的模型不能继续训练：只有神经网络可以",
    "a replay share of {share} is none: it lies between 0 and 1, 0.1 is usual": (
        "回放比例 {share} 无效：应在 0 与 1 之间，通常为 0.1"
    ),
    "--objective {objective} does not fit this network: it is trained by {fitting}": (
        "--objective {objective} 不适合这个网络：它用 {fitting} 训练"
    ),
    "{start}: {loaded}": "{start}：{loaded}",
    "pairs '{pairs}' need BERT's layout, with model.next-sentence true and model.types 2: RoBERTa's has neither": (
        "pairs '{pairs}' 需要 BERT 的结构，且 model.next-sentence 为 true、model.types 为 2：RoBERTa 的结构两者都没有"
    ),
    "no recipe and no model folder '{name}'.{hint}": "没有名为 '{name}' 的配方或模型文件夹。{hint}",
    "{recipe} has no switches to compare: --ablate is for roberta": "{recipe} 没有可比较的开关：--ablate 用于 roberta",
    "variant {number} of {count}: {name}": "第 {number}/{count} 个变体：{name}",
    "training.samples is for models that guess every token: a masked one guesses few": (
        "training.samples 只用于预测每个词的模型；掩码模型只预测少数词"
    ),
}
