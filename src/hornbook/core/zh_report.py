"""Chinese for the messages of reports."""

MESSAGES: dict[str, str] = {
    "{where} is damaged: {error}": "{where} 已损坏：{error}",
    "{where}: {key} = {value!r} does not belong there": "{where}：{key} = {value!r} 不应出现在那里",
    "no report in the language '{language}'.{hint}": "没有“{language}”语言的报告。{hint}",
    "the machine is busy: {load:.1f} processes want to run on {cores} cores": "机器繁忙：{cores} 个核上有 {load:.1f} 个进程要运行",
    "forecasts and results will be poor: race again when it is quiet": "预测与结果都会变差：请在机器空闲时重新比赛",
    "{where}: unknown key '{key}'.{hint}": "{where}：未知的键“{key}”。{hint}",
}
