"""Chinese for the sentences of decoding and scoring."""

from __future__ import annotations

from typing import Final

MESSAGES: Final[dict[str, str]] = {
    "{name} must be {expected}, not {value}": "{name} 应为 {expected}，而不是 {value}",
    "{results} results need at least {results} beams, not {beams}": "{results} 个结果至少需要 {results} 条束，而不是 {beams} 条",
}
