"""The page on one classifier in a browser: wide, narrow, dark; no complaint, no request, no overflow, nothing runs."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from hornbook.compare.report.judge_page import render_judgement
from hornbook.tasks.judge import Answered, judge
from hornbook.tasks.texts import Sample, score_classifier

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]


def write(path: Path, labels: tuple[str, ...], language: str) -> Path:
    random = np.random.default_rng(1)
    table = random.dirichlet(np.ones(len(labels)) * 0.3, 50)
    gold = [labels[random.choice(len(labels), p=row)] for row in table]
    gold[48] = labels[int(table[48].argmax())]  # the answers are the least probable labels: an error
    texts = [f"第 {k} 条文本" * (1 + k) for k in range(47)] + ["x" * 3_000, "<img src=x onerror=alert(1)>", ""]
    sample = Sample(texts, gold, [(Path("/a/rather/long/folder/of/data/that/does/not/break/test.tsv"), k) for k in range(50)])
    asked = Answered(labels, None, table, [labels[k] for k in (1 - table).argmax(axis=1)])
    scores = score_classifier(asked, sample, seen=None, log=lambda event: None)
    found = judge(asked, sample, train=sample, top=60, log=lambda event: None)
    page = render_judgement(found, scores, model="m" * 60, data="d" * 200, command="hornbook evaluate " * 9, language=language)
    path.write_text(page, "utf-8")
    return path


def test_no_complaints_no_requests_no_overflow(tmp_path: Path) -> None:
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    many = tuple(f"a label with a long name {k}" for k in range(14))
    pages = [write(tmp_path / "en.html", many, "en"), write(tmp_path / "zh.html", ("好评", "差评"), "zh")]
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        for path in pages:
            for width, scheme in ((400, "light"), (1280, "dark")):
                page = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme).new_page()
                complaints: list[str] = []
                requests: list[str] = []
                page.on("console", lambda message, told=complaints: told.append(message.text))
                page.on("pageerror", lambda error, told=complaints: told.append(str(error)))
                page.on("dialog", lambda dialog, told=complaints: told.append(dialog.message))
                page.on("request", lambda request, told=requests: told.append(request.url))
                page.goto(path.as_uri())
                assert complaints == [] and [url for url in requests if not url.startswith(("file:", "data:"))] == []
                assert page.evaluate("document.documentElement.scrollWidth") <= width
                assert page.evaluate("document.images.length") == 0
                assert page.locator("#reliability svg").is_visible() and "<img src=x" in page.inner_text("main")
        browser.close()
