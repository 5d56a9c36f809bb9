"""Chinese for errors of encoders, adapters and rates by depth."""

from __future__ import annotations

from typing import Final

MESSAGES: Final[dict[str, str]] = {
    "{folder} is {kind}: it has no states of tokens to train on. Word vectors and networks have them": (
        "{folder} 是 {kind}：没有可供训练的词元状态。词向量和神经网络才有"
    ),
    "lora: rank {rank} and alpha {alpha} must be above 0": "lora：rank {rank} 和 alpha {alpha} 必须大于 0",
    "lora: no linear layer has a name like {patterns}; there are {names}": (
        "lora：没有名字符合 {patterns} 的线性层；现有 {names}"
    ),
    "{path} is no adapter": "{path} 不是适配器",
    "{path}: the adapter was trained beside a network with other weights": ("{path}：这个适配器是在另一组权重的网络旁训练的"),
}
