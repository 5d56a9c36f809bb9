"""Chinese sentences of the core."""

MESSAGES: dict[str, str] = {
    " Did you mean {best}?": " 您是否想写 {best}？",
    " Choose from: {names}.": " 可选：{names}。",
    '{package} is not installed: pip install "hornbook[{extra}]"': '没有安装 {package}：请运行 pip install "hornbook[{extra}]"',
    "{what} not written to {where}: the disk is full. Free some space or choose another folder with -o.": (
        "{what} 没有写入 {where}：磁盘已满。请腾出空间，或用 -o 换一个目录。"
    ),
    "{folder} is a file: choose a folder for the {what}": "{folder} 是一个文件：请为 {what} 选一个目录",
    "{folder} does not exist": "{folder} 不存在",
    "{folder} is not empty and hornbook did not write it: choose another folder with -o": (
        "{folder} 不是空目录，也不是 hornbook 写出的：请用 -o 换一个目录"
    ),
    "{folder} has no {manifest}: it is not a folder hornbook wrote whole": "{folder} 里没有 {manifest}：它不是 hornbook 完整写出的目录",
    "{path} is damaged: {error}. Restore the folder or train again.": "{path} 已损坏：{error}。请恢复该目录或重新训练。",
    "{path} is missing: the manifest lists it. Restore it or train again.": "缺少 {path}：清单里有它。请恢复该文件或重新训练。",
    "{path} has {found} bytes, its manifest says {size}: the file is damaged. Restore it or train again.": (
        "{path} 有 {found} 字节，清单上是 {size}：文件已损坏。请恢复该文件或重新训练。"
    ),
    "{path} does not match its sha256: the file is damaged. Restore it or train again.": (
        "{path} 与清单的 sha256 不符：文件已损坏。请恢复该文件或重新训练。"
    ),
    "{what} not saved: disk full (need {need:.1f} MB, {free:.1f} MB free in {folder})": (
        "{what} 没有保存：磁盘已满（需要 {need:.1f} MB，{folder} 只剩 {free:.1f} MB）"
    ),
    "'{text}' is not a time: write it like 90s, 10m or 2h": "“{text}”不是时间：请写成 90s、10m 或 2h",
    "{path} does not exist": "{path} 不存在",
    "{path} is not valid TOML: {error}": "{path} 不是有效的 TOML：{error}",
    "{where}: unknown key '{key}'.{hint}": "{where}：没有“{key}”这个键。{hint}",
    "{where}: {error}": "{where}：{error}",
    "{where}: {key} cannot be '{value}'.{hint}": "{where}：{key} 不能是“{value}”。{hint}",
    "{where}: {key} = {value!r} is not {kind}": "{where}：{key} = {value!r} 应为 {kind}",
}
