"""Streams cut into lists of bounded size."""

from hornbook.core.groups import groups


def test_a_group_ends_with_the_item_that_reaches_the_limit() -> None:
    assert list(groups(["aa", "b", "cccc", "", "d"], 4)) == [["aa", "b"], ["cccc"], ["", "d"]]
    assert list(groups(["aa", "b"], 100)) == [["aa", "b"]]
    assert list(groups(["", "", ""], 20, each=10)) == [["", ""], [""]]
    assert list(groups([], 4)) == []
