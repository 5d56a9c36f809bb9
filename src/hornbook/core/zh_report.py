"""Chinese for the messages of reports."""

MESSAGES: dict[str, str] = {
    "{where} is not the report of a race: {error}": "{where} 不是一次比赛的报告：{error}",
    "{where}: {key} = {value!r} does not belong in the report of a race": "{where}：{key} = {value!r} 不应出现在比赛报告中",
    "{where}: unknown key '{key}'.{hint}": "{where}：未知的键“{key}”。{hint}",
}
