"""Chinese for the errors of labelled sequences: reading them, tagging and segmenting."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "{path}, line {line}: found {found} columns where {expected} are expected, none of them empty": (
        "{path} 第 {line} 行：应有 {expected} 列且都不为空，却只有 {found} 列"
    ),
    "{path}, line {line}: '{id}' does not follow the words before it": "{path} 第 {line} 行：编号 '{id}' 与前面的词不连续",
    "'{column}' is no column of CoNLL-U.{hint}": "'{column}' 不是 CoNLL-U 的列。{hint}",
    "column = {column}: give the number of the label's column, from 2": "column = {column}：请给出标签所在列的序号（从 2 起）",
}
