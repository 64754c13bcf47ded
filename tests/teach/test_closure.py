"""What code a module depends on: every import of ours is followed, and the hash tells code from words about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from teach import closure as closing
from teach.closure import closure, code_hash, file_of

Write = Callable[[Mapping[str, str]], None]
TREE = {
    "a2d/__init__.py": "",
    "a2d/one.py": "import a2d.two\n\ndef f():\n    return 1\n",
    "a2d/two.py": "def g():\n    return 2\n",
    "a2d/three.py": "X = 3\n",
    "a2d/room/__init__.py": "",
    "a2d/room/four.py": "X = 4\n",
    "teach/__init__.py": "",
    "results/__init__.py": "",
    "results/five.py": "from a2d import one, three\n",
}


def forget() -> None:
    for kept in (closing._tree, closing._named, closing._bare):
        kept.cache_clear()


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes files of a small tree that stands in place of the project's."""
    monkeypatch.setattr(closing, "ROOTS", dict.fromkeys(("a2d", "teach", "results"), tmp_path))

    def these(files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        forget()

    these(TREE)
    return these


@pytest.fixture(autouse=True)
def _no_file_of_another_test() -> None:
    forget()


def test_files_of_modules_and_packages(write: Write, tmp_path: Path):
    assert file_of("a2d.one") == tmp_path / "a2d" / "one.py"
    assert file_of("a2d.room") == tmp_path / "a2d" / "room" / "__init__.py"
    assert file_of("a2d.one.f") is None
    assert file_of("numpy") is None
    assert file_of("os.path") is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("import a2d.two", ["a2d.two"]),
        ("import a2d.two as t, os", ["a2d.two"]),
        ("from a2d import two", ["a2d", "a2d.two"]),
        ("from a2d.two import g", ["a2d.two"]),
        ("from a2d.room.four import X", ["a2d.room.four"]),
        ("def f():\n    from a2d import three", ["a2d", "a2d.three"]),
        ("try:\n    import a2d.two\nexcept ImportError:\n    import a2d.three", ["a2d.three", "a2d.two"]),
        ('KIND = "a2d.two:g"', ["a2d.two"]),
        ('GIVEN = ("a2d.two.g", "a2d.none.at_all")', ["a2d", "a2d.two"]),
        ('TEXT = "see a2d.two for more"', []),
        ("if TYPE_CHECKING:\n    import a2d.two\nelse:\n    import a2d.three", ["a2d.three"]),
        ("import typing\nif typing.TYPE_CHECKING:\n    import a2d.two", []),
        ("# import a2d.two\nimport numpy", []),
    ],
)
def test_what_a_module_names(write: Write, text: str, found: list[str]):
    write({"a2d/new.py": text})
    assert list(closure("a2d.new")) == sorted([*found, "a2d.new"])


def test_imports_of_imports_count_and_a_circle_ends(write: Write):
    assert list(closure("results.five")) == ["a2d", "a2d.one", "a2d.three", "a2d.two", "results.five"]
    write({"a2d/two.py": "import a2d.one\n"})
    assert list(closure("a2d.one")) == list(closure("a2d.two")) == ["a2d.one", "a2d.two"]


def test_adding_an_import_adds_its_module_and_changes_the_hash(write: Write):
    before = code_hash("a2d.one")
    assert "a2d.three" not in closure("a2d.one")
    write({"a2d/two.py": TREE["a2d/two.py"] + "import a2d.three\n"})
    assert "a2d.three" in closure("a2d.one")
    after = code_hash("a2d.one")
    assert after != before
    write({"a2d/three.py": "X = 33\n"})
    assert code_hash("a2d.one") not in (before, after)


@pytest.mark.parametrize(
    "text",
    [
        "def g():\n    return 3\n",
        "def g():\n    return '2'\n",
        "def g():\n    '''Two.'''\n    return 2.0\n",
        "def h():\n    return 2\n",
        'def g():\n    return 2\nTEXT = """\n# a heading\n"""\n',
    ],
)
def test_another_code_has_another_hash(write: Write, text: str):
    before = code_hash("a2d.one")
    write({"a2d/two.py": text})
    assert code_hash("a2d.one") != before


@pytest.mark.parametrize(
    "text",
    [
        '"""A module."""\n\ndef g():\n    return 2\n',
        "# Why.\ndef g():\n    # Because.\n\n    return 2\n",
        'def g():\n    """Two.\n\n    Always.\n    """\n    return 2   \n',
    ],
)
def test_words_about_code_change_nothing(write: Write, text: str):
    before = code_hash("a2d.one")
    write({"a2d/two.py": text})
    assert code_hash("a2d.one") == before


def test_a_line_of_a_string_that_looks_like_a_comment_is_code(write: Write):
    write({"a2d/two.py": 'TEXT = """\n# one\n"""\n'})
    before = code_hash("a2d.two")
    write({"a2d/two.py": 'TEXT = """\n# two\n"""\n'})
    assert code_hash("a2d.two") != before


def test_what_lies_beside_the_closure_changes_nothing_unless_it_is_named(write: Write, tmp_path: Path):
    before = code_hash("a2d.one")
    write({"a2d/room/four.py": "X = 5\n", "a2d/three.py": "X = 5\n", "data.toml": "x = 1\n"})
    assert code_hash("a2d.one") == before
    first = code_hash("a2d.one", extra=[tmp_path / "data.toml"])
    write({"data.toml": "x = 2\n"})
    assert len({before, first, code_hash("a2d.one", extra=[tmp_path / "data.toml"])}) == 3


def test_the_same_modules_give_the_same_hash_in_any_order(write: Write):
    assert code_hash("a2d.one", "a2d.three") == code_hash("a2d.three", "a2d.one", "a2d.one")


def test_every_module_of_the_project_has_a_closure_of_files_that_are_there():
    for root in ("a2d", "teach"):
        for path in sorted((closing.ROOTS[root] / root).rglob("*.py")):
            name = ".".join(path.relative_to(closing.ROOTS[root]).with_suffix("").parts).removesuffix(".__init__")
            found = closure(name)
            assert found[name] == path
            assert all(one.is_file() for one in found.values())
