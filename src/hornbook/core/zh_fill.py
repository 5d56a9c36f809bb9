"""Chinese for the sentences of filling gaps and of vectors of texts."""

from __future__ import annotations

from typing import Final

MESSAGES: Final[dict[str, str]] = {
    "{folder} is {kind}: fill asks language models, and models that guess hidden tokens": (
        "{folder} 是 {kind}：fill 只能用语言模型，或会猜被遮词元的模型"
    ),
}
