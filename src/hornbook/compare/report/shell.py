"""The HTML document around a report: its head, its policy, its style and script, all in the one file."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources

from hornbook.compare.report.markup import Markup, element


def document(main: Markup, footer: Markup, *, title: str, language: str, version: str = "", extra_style: str = "") -> str:
    """A whole page as HTML text. `language` is "en" or "zh"; `extra_style` names a style sheet beside style.css."""
    style, script = resource("style.css"), resource("tabs.js")
    if extra_style:
        style = Markup(style + resource(extra_style))
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", http_equiv="Content-Security-Policy", content=_policy(script)),
        element("meta", name="generator", content=f"hornbook {version}".strip()),
        element("link", rel="icon", href="data:,"),
        element("title", title),
        element("style", style),
    )
    body = element("body", main, footer, element("script", script))
    return "<!doctype html>\n" + element("html", head, body, lang="zh-Hans" if language == "zh" else "en") + "\n"


def resource(name: str) -> Markup:
    """A file of this package that goes into the page as it is."""
    return Markup(resources.files("hornbook.compare.report").joinpath(name).read_text("utf-8"))


def _policy(script: str) -> str:
    """Nothing may be fetched, and only our own script may run, whatever a text contains."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    allowed = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; img-src data:"
    return allowed + "; base-uri 'none'; form-action 'none'"
