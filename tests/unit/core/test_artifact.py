from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hornbook.core import artifact
from hornbook.core.artifact import MANIFEST, verify, writing
from hornbook.core.errors import ContentError, DiskFullError, UsageError


def save(folder: Path, text: str) -> None:
    with writing(folder) as temporary:
        (temporary / "a.txt").write_text(text)
        (temporary / "deep").mkdir()
        (temporary / "deep" / "b.bin").write_bytes(text.encode() * 3)


def test_a_folder_appears_whole_with_its_manifest(tmp_path: Path) -> None:
    save(tmp_path / "m", "one")
    verify(tmp_path / "m")
    files = json.loads((tmp_path / "m" / MANIFEST).read_text())["files"]
    assert files["deep/b.bin"]["bytes"] == 9
    assert set(files) == {"a.txt", "deep/b.bin"}
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_replacing_keeps_the_old_folder_until_the_new_one_stands(tmp_path: Path) -> None:
    save(tmp_path / "m", "one")
    with pytest.raises(RuntimeError, match="half way"), writing(tmp_path / "m") as temporary:
        (temporary / "a.txt").write_text("two")
        raise RuntimeError("half way")
    assert (tmp_path / "m" / "a.txt").read_text() == "one"
    save(tmp_path / "m", "two")
    assert (tmp_path / "m" / "a.txt").read_text() == "two"
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_replacing_without_the_exchange_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifact, "_exchange", lambda first, second: False)
    save(tmp_path / "m", "one")
    save(tmp_path / "m", "two")
    verify(tmp_path / "m")
    assert (tmp_path / "m" / "a.txt").read_text() == "two"


def test_a_kill_between_the_two_renames_is_repaired(tmp_path: Path) -> None:
    save(tmp_path / "m", "one")
    (tmp_path / "m").rename(tmp_path / ".old-m-999999")
    verify(tmp_path / "m")
    assert (tmp_path / "m" / "a.txt").read_text() == "one"


def test_litter_of_killed_writers_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".tmp-m-999999").mkdir()
    (tmp_path / f".tmp-m-{os.getppid()}").mkdir()
    save(tmp_path / "m", "one")
    assert sorted(path.name for path in tmp_path.iterdir()) == [f".tmp-m-{os.getppid()}", "m"]


@pytest.mark.parametrize("damage", ["flip", "cut", "remove", "empty", "manifest cut", "manifest gone", "manifest odd"])
def test_every_damage_is_named_in_one_line(tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "m"
    save(folder, "some text")
    victim = folder / (MANIFEST if damage.startswith("manifest") else "deep/b.bin")
    content = victim.read_bytes()
    match damage:
        case "flip":
            victim.write_bytes(bytes([content[0] ^ 1]) + content[1:])
        case "cut" | "manifest cut":
            victim.write_bytes(content[: len(content) // 2])
        case "remove" | "manifest gone":
            victim.unlink()
        case "empty":
            victim.write_bytes(b"")
        case "manifest odd":
            victim.write_text('{"files": [1, 2]}')
    with pytest.raises(ContentError) as caught:
        verify(folder)
    assert victim.name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_folder_and_file_in_the_way(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere does not exist"):
        verify(tmp_path / "nowhere")
    (tmp_path / "f").write_text("x")
    with pytest.raises(UsageError, match="is a file"):
        save(tmp_path / "f", "x")


def test_someones_folder_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("ten years of work")
    with pytest.raises(UsageError, match="hornbook did not write it"):
        save(tmp_path / "thesis", "x")
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "ten years of work"
    assert [path.name for path in tmp_path.iterdir()] == ["thesis"]


def test_full_disk_leaves_the_old_folder_and_no_litter(tmp_path: Path) -> None:
    save(tmp_path / "m", "one")
    code = (
        "import resource, signal, sys; from pathlib import Path; from hornbook.core.artifact import writing\n"
        "from hornbook.core.errors import DiskFullError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))\n"
        "try:\n"
        "    with writing(Path(sys.argv[1])) as folder: (folder / 'a.txt').write_bytes(b'x' * 50_000)\n"
        "except DiskFullError as error: print(error); sys.exit(error.exit_code)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "m")], capture_output=True, text=True)
    assert done.returncode == 28
    assert "disk is full" in done.stdout
    assert (tmp_path / "m" / "a.txt").read_text() == "one"
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_space_is_checked_before_writing(tmp_path: Path) -> None:
    with pytest.raises(DiskFullError, match="checkpoint not saved: disk full"):
        artifact.require_space(tmp_path / "not" / "yet", 10**18, what="checkpoint")


def _written(folder: Path) -> int:
    """When the folder that has the name now was written."""
    return (folder / "manifest.json").stat().st_mtime_ns


@pytest.mark.faults
def test_killed_at_any_moment_the_folder_is_old_or_new(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    save(folder, "0")
    code = (
        "import sys; from pathlib import Path; from hornbook.core.artifact import writing\n"
        "number = 0\n"
        "while True:\n"
        "    number += 1\n"
        "    with writing(Path(sys.argv[1])) as folder:\n"
        "        (folder / 'a.txt').write_text(str(number)); (folder / 'b.txt').write_text(str(number) * 1000)\n"
    )
    for attempt in range(6):
        before = _written(folder)
        child = subprocess.Popen([sys.executable, "-c", code, str(folder)])
        while child.poll() is None and _written(folder) == before:  # however slowly it starts
            time.sleep(0.001)
        time.sleep(0.0037 * attempt)
        child.kill()
        child.wait()
        verify(folder)
        assert (folder / "a.txt").read_text() * 1000 == (folder / "b.txt").read_text()
