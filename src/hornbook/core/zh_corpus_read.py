"""Chinese for the errors of reading, cleaning, storing and preparing a corpus."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "{path} is damaged: its offsets do not fit the texts. Run hornbook corpus again.": (
        "{path} 已损坏：偏移量与文本不符。请重新运行 hornbook corpus。"
    ),
    "{folder} is not a prepared corpus (no {index}): make one with hornbook corpus": (
        "{folder} 不是准备好的语料（没有 {index}）：请用 hornbook corpus 生成"
    ),
    "{folder} has no split '{name}': it has {names}": "{folder} 没有 '{name}' 这一部分：它有 {names}",
    "{path} has {found} bytes, the index says {size}: the corpus is damaged. Run hornbook corpus again.": (
        "{path} 有 {found} 字节，索引记录为 {size}：语料已损坏。请重新运行 hornbook corpus。"
    ),
    "{path} is damaged: {error}. Run hornbook corpus again.": "{path} 已损坏：{error}。请重新运行 hornbook corpus。",
    "{paths} is empty: there is no text to read": "{paths} 是空的：没有可读的文本",
    "{path}: a record near line {line} is longer than {limit} bytes (read.max-record-bytes raises the limit)": (
        "{path}：第 {line} 行附近的记录超过 {limit} 字节（可用 read.max-record-bytes 提高上限）"
    ),
    "'{name}' is not a text encoding.{hint}": "'{name}' 不是文本编码。{hint}",
    "{path} is not text: it looks like {kind}": "{path} 不是文本：它看起来是{kind}",
    "{path}: byte {offset} (0x{byte}) is not {encoding}.{hint} Try --encoding NAME or --on-bad-bytes replace|skip": (
        "{path}：第 {offset} 字节（0x{byte}）不是 {encoding}。{hint}可用 --encoding 指定编码，或用 --on-bad-bytes replace|skip"
    ),
    " The text looks like {encoding}.": "文本看起来是 {encoding}。",
    " The text may be Western European (cp1252).": "文本可能是西欧编码（cp1252）。",
    "gzip data: name it .gz": " gzip 数据：请以 .gz 命名",
    "bzip2 data: name it .bz2": " bzip2 数据：请以 .bz2 命名",
    "xz data: name it .xz": " xz 数据：请以 .xz 命名",
    "zstd data: name it .zst": " zstd 数据：请以 .zst 命名",
    "a zip archive or an office document: give plain text, or name it .zip": (
        " zip 压缩包或办公文档：请提供纯文本，或以 .zip 命名"
    ),
    "parquet data: name it .parquet": " parquet 数据：请以 .parquet 命名",
    "a PDF: extract its text first": " PDF：请先提取其中的文本",
    "a picture": "图片",
    "a program": "程序",
    "an old office document: save it as plain text": "旧式办公文档：请另存为纯文本",
    "a database": "数据库",
    "control characters": "控制字符",
    "no corpus given: name a text file, a folder or - for standard input": "没有给出语料：请指定文本文件、文件夹，或用 - 表示标准输入",
    "{places} has no file to read{skipped}": "{places} 中没有可读的文件{skipped}",
    "{path} cannot be read: no permission": "无法读取 {path}：没有权限",
    "{path} is an archive: unpack it and give the folder (or use .zip)": "{path} 是压缩包：请解压后给出文件夹（或使用 .zip）",
    "{path} is not text ({ending}): give .txt, .jsonl, .csv, .tsv or .parquet": (
        "{path} 不是文本（{ending}）：请提供 .txt、.jsonl、.csv、.tsv 或 .parquet"
    ),
    "{path}: parquet files compress inside, unpack this one first": "{path}：parquet 文件自带压缩，请先解压",
    "{path} is an archive inside another: unpack it first": "{path} 是嵌套的压缩包：请先解压",
    "{path}: {member} is an archive inside an archive: unpack it first": "{path}：{member} 是压缩包中的压缩包：请先解压",
    "{path}: {member} cannot be read inside an archive: unpack it first": "{path}：无法读取压缩包内的 {member}：请先解压",
    "{path} is cut off: the {kind} data end after {got} bytes of text. Fetch the file again.": (
        "{path} 不完整：{kind} 数据在读出 {got} 字节文本后中断。请重新获取该文件。"
    ),
    "{path} is a folder": "{path} 是文件夹",
    "{path} is damaged: {error} after {got} bytes of text. Fetch the file again.": (
        "{path} 已损坏：读出 {got} 字节文本后出错（{error}）。请重新获取该文件。"
    ),
    "{path} is not a whole zip archive: {error}": "{path} 不是完整的 zip 压缩包：{error}",
    "{path}: the member {member!r} points outside the archive: refused": "{path}：成员 {member!r} 指向压缩包之外：已拒绝",
    "{path} expands more than {ratio:g} times: stopped at {got} bytes (see --read.max-expansion)": (
        "{path} 解压后超过原大小的 {ratio:g} 倍：在 {got} 字节处停止（见 --read.max-expansion）"
    ),
    "{path} has no field '{field}'.{hint}": "{path} 没有字段 '{field}'。{hint}",
    "{path} has no text field among {names}: name it with --read.text-field": (
        "{path} 的字段 {names} 中没有文本：请用 --read.text-field 指定"
    ),
    "{path}: line {line} is not a JSON object: {error}. Write one object a line.": (
        "{path}：第 {line} 行不是 JSON 对象：{error}。请每行写一个对象。"
    ),
    "{path}: row {row} is not a table row: {error}": "{path}：第 {row} 行不是表格行：{error}",
    "{path} is not a whole parquet file: {error}": "{path} 不是完整的 parquet 文件：{error}",
    "{path}: line {line}: field '{field}' is {kind}, not text": "{path}：第 {line} 行：字段 '{field}' 是{kind}，不是文本",
    "an object": "对象",
    "a list": "列表",
    "a number": "数字",
    "true or false": "真假值",
    "missing": "缺失",
    "{path}: row {row} has {found} columns, the text is in column {column}": (
        "{path}：第 {row} 行有 {found} 列，而文本在第 {column} 列"
    ),
    "unknown cleaning rule '{name}'.{hint}": "未知的清洗规则 '{name}'。{hint}",
    "{paths}: nothing is left after cleaning": "{paths}：清洗后没有留下任何文本",
}
