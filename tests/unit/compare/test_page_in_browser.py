from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hornbook.compare.report import render
from hornbook.compare.results import RaceResult

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        instance = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield instance
        instance.close()


class Visit:
    """A page open in the browser, with what it complained about and asked for."""

    def __init__(self, browser: Any, path: Path, *, width: int, **options: Any) -> None:
        self.context = browser.new_context(viewport={"width": width, "height": 800}, **options)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())

    def __enter__(self) -> Visit:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()


@pytest.fixture
def pages(tmp_path: Path, english_race: RaceResult, chinese_race: RaceResult) -> list[Path]:
    paths = []
    for name, result, language in (("en", english_race, "en"), ("zh", chinese_race, "zh")):
        path = tmp_path / f"{name}.html"
        path.write_text(render(result, language=language), "utf-8")
        paths.append(path)
    return paths


def test_no_complaints_no_requests_no_overflow(browser: Any, pages: list[Path]) -> None:
    for path in pages:
        for width, scheme in ((400, "light"), (820, "dark"), (1280, "light")):
            with Visit(browser, path, width=width, color_scheme=scheme) as visit:
                assert visit.complaints == []
                assert [url for url in visit.requests if not url.startswith(("file:", "data:"))] == []
                assert visit.page.evaluate("document.documentElement.scrollWidth") <= width


def test_tabs_show_one_chart_and_follow_the_keyboard(browser: Any, pages: list[Path]) -> None:
    with Visit(browser, pages[0], width=1280) as visit:
        shown = "[...document.querySelectorAll('#frontier .panel')].map(panel => panel.offsetParent !== null)"
        assert visit.page.evaluate(shown) == [True, False, False]
        visit.page.click("#frontier [role=tab]:nth-child(2)")
        assert visit.page.evaluate(shown) == [False, True, False]
        visit.page.keyboard.press("ArrowRight")
        assert visit.page.evaluate(shown) == [False, False, True]
        visit.page.emulate_media(media="print")
        assert visit.page.evaluate(shown) == [True, True, True]


def test_without_scripts_every_chart_is_there(browser: Any, pages: list[Path]) -> None:
    with Visit(browser, pages[0], width=1280, java_script_enabled=False) as visit:
        charts = visit.page.locator("svg.chart.wide")
        assert charts.count() == 7
        assert all(charts.nth(number).is_visible() for number in range(6))


def test_hostile_samples_do_not_run(browser: Any, pages: list[Path]) -> None:
    with Visit(browser, pages[1], width=800) as visit:
        visit.page.on("dialog", lambda dialog: visit.complaints.append(dialog.message))
        assert visit.page.evaluate("document.scripts.length") == 1
        assert "<script>alert(1)</script>" in visit.page.inner_text("#samples")
        assert visit.complaints == []


def test_labels_of_the_charts_lie_inside_and_apart(browser: Any, pages: list[Path]) -> None:
    measure = """chart => {
        const frame = chart.getBoundingClientRect();
        const boxes = [...chart.querySelectorAll('text.label')].map(text => text.getBoundingClientRect());
        const outside = boxes.filter(b => b.left < frame.left - 1 || b.right > frame.right + 1).length;
        let overlaps = 0;
        boxes.forEach((a, i) => boxes.slice(i + 1).forEach(b => {
            const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
            const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
            if (wide > 1 && high > 3) overlaps += 1;
        }));
        return [boxes.length, outside, overlaps];
    }"""
    for path in pages:
        for width in (400, 1280):
            with Visit(browser, path, width=width, java_script_enabled=True) as visit:
                visit.page.emulate_media(media="print")  # every panel laid out
                kind = "wide" if width > 760 else "narrow"
                for chart in visit.page.locator(f"svg.chart.{kind}").all():
                    labels, outside, overlaps = chart.evaluate(measure)
                    assert labels >= 3 and outside == 0 and overlaps == 0
