"""Chinese for the messages of reports."""

MESSAGES: dict[str, str] = {
    "{where} is damaged: {error}": "{where} 已损坏：{error}",
    "{where}: {key} = {value!r} does not belong there": "{where}：{key} = {value!r} 不应出现在那里",
    "no report in the language '{language}'.{hint}": "没有“{language}”语言的报告。{hint}",
    "{where}: unknown key '{key}'.{hint}": "{where}：未知的键“{key}”。{hint}",
}
