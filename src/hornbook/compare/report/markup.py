"""HTML and SVG as escaped text: whatever is not Markup is escaped, so no sample text can become a tag."""

from __future__ import annotations

import html
import re
import unicodedata

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069]")  # overrides that would reorder the text after them
_VOID = frozenset({"br", "col", "hr", "img", "input", "link", "meta", "wbr"})


class Markup(str):
    """Text that is already HTML or SVG."""

    __slots__ = ()


def escape(text: str) -> Markup:
    """Text as HTML: tags and quotes spelled out, control characters visible, lone surrogates replaced."""
    return Markup(html.escape(_DIRECTION.sub("\N{REPLACEMENT CHARACTER}", _CONTROL.sub(_visible, text)), quote=True))


def element(tag: str, *children: str, **attributes: str | float | bool | None) -> Markup:
    """One element. `class_` and `aria_label` become class and aria-label; None and False leave an attribute out."""
    parts = [tag]
    for name, value in attributes.items():
        if value is None or value is False:
            continue
        name = name.rstrip("_").replace("_", "-")
        parts.append(name if value is True else f'{name}="{_attribute(value)}"')
    opening = f"<{' '.join(parts)}>"
    if tag in _VOID:
        return Markup(opening)
    return Markup(f"{opening}{join(*children)}</{tag}>")


def join(*children: str) -> Markup:
    """Children side by side; plain text is escaped."""
    return Markup("".join(child if isinstance(child, Markup) else escape(child) for child in children))


def prose(text: str) -> Markup:
    """A sentence in which flags (--budget 10m) stand as code and do not break."""
    parts = re.split(r"(?<![\w-])(--[a-z][\w.-]*\w(?: \d+[smh]\b)?)", text)
    return join(*[element("code", part) if number % 2 else part for number, part in enumerate(parts)])


def text_width(text: str, size: float) -> float:
    """Estimated width in pixels of sans-serif text `size` pixels high; East Asian wide characters take a full square."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return size * (wide + 0.57 * (len(text) - wide))


def _attribute(value: str | float) -> str:
    if isinstance(value, str):
        return escape(value)
    text = f"{value:.2f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _visible(match: re.Match[str]) -> str:
    code = ord(match[0])
    return chr(0x2400 + code) if code < 0x20 else "\N{REPLACEMENT CHARACTER}"
