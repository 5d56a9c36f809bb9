"""hornbook doctor: check this machine."""

from __future__ import annotations

from hornbook.cli.options import Common, print_json


def doctor(*, common: Common = Common()) -> None:
    """Check this machine: processor, threads, precision, disk, extras; every remark says what to do."""
    from hornbook import api

    report = api.doctor()
    if common.json:
        print_json(report)
        return
    for section, entries in report.items():
        print(section.replace("_", " "))
        for name, value in entries.items():
            print(f"  {name:<24} {value}")
