"""Chinese sentences of the judgement of a classifier."""

MESSAGES: dict[str, str] = {
    "{name} = {value}: give a share from 0 to 1": "{name} = {value}：请给出 0 到 1 之间的比例",
    "{name} = {value}: give 0 or more": "{name} = {value}：请给出 0 或更大的数",
}
