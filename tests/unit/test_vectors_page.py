"""The examples of docs/vectors.md and its Chinese twin run, and print what the pages show."""

from __future__ import annotations

import random
from itertools import islice
from pathlib import Path

import pytest

from hornbook.corpus.demo import demo_documents
from pages import blocks, run_page

DOCS = Path(__file__).parents[2] / "docs"


def own_text(folder: Path) -> None:
    """my-text.txt in English, 我的文本.txt in Chinese and GB18030: what a reader would have, people who work in teams."""
    documents = [document.text for document in islice(demo_documents(), 60)]
    (folder / "my-text.txt").write_text("\n\n".join(documents), "utf-8")
    generator = random.Random(1)
    who = "老师 学生 医生 护士 农民 工人 记者 律师".split()  # noqa: SIM905
    where = "学校 医院 农村 工厂 公园 图书馆 城市 机场".split()  # noqa: SIM905
    what = "读书 看报 开会 跑步 吃饭 喝茶 写信 唱歌".split()  # noqa: SIM905
    letters = "bcdfghjklmnpqrstvwxz"
    teams = [["".join(generator.choices(letters, k=5)) for _ in range(3)] for _ in range(300)]
    rows = []
    for _ in range(3000):
        first, second, third = generator.sample(generator.choice(teams), 3)
        rows.append(
            generator.choice(
                (
                    f"{generator.choice(who)}{first}和{generator.choice(who)}{second}在{generator.choice(where)}里{generator.choice(what)}。",
                    f"昨天{first}从{generator.choice(where)}走到{generator.choice(where)}，遇见了{second}和{third}。",
                    f"{first}最喜欢{generator.choice(what)}，{third}也喜欢{generator.choice(what)}。",
                )
            )
        )
    text = "".join(row + ("\n\n" if number % 10 == 9 else "\n") for number, row in enumerate(rows))
    (folder / "我的文本.txt").write_bytes(text.encode("gb18030"))


@pytest.mark.parametrize("page", ["vectors.md", "vectors.zh.md"])
def test_the_page_does_what_it_shows(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own_text(tmp_path)
    monkeypatch.setenv("HORNBOOK_LANG", "zh_CN" if ".zh." in page else "en")
    assert run_page(DOCS / page, tmp_path, monkeypatch, capsys) >= 3


def test_both_pages_show_the_same_code() -> None:
    code = [[block.text for block in blocks(DOCS / page) if block.kind == "python"] for page in ("vectors.md", "vectors.zh.md")]
    assert len(code[0]) == len(code[1])
