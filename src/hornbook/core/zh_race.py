"""Chinese sentences of the race and of what it shares with training."""

MESSAGES: dict[str, str] = {
    "{title} needs more time: it runs from --budget {least} on, or when named with --contestants": (
        "{title} 需要更多时间：从 --budget {least} 起参赛，也可用 --contestants 点名"
    ),
    "{name} was stopped; its checkpoint is whole": "{name} 已停止；它的检查点是完整的",
    "a budget of {budget:g} s is too short for a race: give at least {least:g} s, better 3m": (
        "{budget:g} 秒的预算不够一场比赛：至少给 {least:g} 秒，最好 3m"
    ),
    "{folder} is not empty and holds no race: choose another folder with -o": "{folder} 不是空目录，也不是一场比赛的目录：请用 -o 换一个目录",
    "no contestant finished; see the alarms above and {folder}": "没有一个模型跑完；请看上面的警报和 {folder}",
    "{folder} was raced with {key} = {before}, now {now}: leave --resume away, or give the same settings": (
        "{folder} 里的比赛用的是 {key} = {before}，现在是 {now}：去掉 --resume，或给出相同的设置"
    ),
    "interrupted during {name}; what is finished is kept: run the same command with --resume to go on": (
        "在训练 {name} 时中断；已完成的都保留着：同一条命令加上 --resume 即可继续"
    ),
    "the worker process ended unexpectedly (exit code {code})": "工作进程意外结束（退出码 {code}）",
    "the corpus has no held-out text: split it (--split 0.1) or give --dev FILE": "语料没有留出文本：请划分（--split 0.1）或给出 --dev 文件",
    "{folder} has an empty training split: give more text": "{folder} 的训练部分是空的：请给更多文本",
}
