"""Chinese for errors of encoders, adapters and rates by depth."""

from __future__ import annotations

from typing import Final

MESSAGES: Final[dict[str, str]] = {
    "{folder} is {kind}: it has no states of tokens to train on. Word vectors and networks have them": (
        "{folder} 是 {kind}：没有可供训练的词元状态。词向量和神经网络才有"
    ),
}
