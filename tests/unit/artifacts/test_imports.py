"""Imports are found by reading: through the archive's own modules, and no further."""

from pathlib import Path

import pytest

from glue.artifacts.imports import external_imports, top_level_names

HANDLER = "code/inference.py"


def _root(tmp_path: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({HANDLER: "import json, os.path\nfrom serving import errors\n"}, []),
        ({HANDLER: "import a.b as c\nfrom d.e import f\n"}, ["a", "d"]),
        ({HANDLER: "def f():\n    import a\n"}, ["a"]),
        ({HANDLER: "try:\n    import a\nexcept (ImportError, OSError):\n    import b\n"}, ["a?", "b?"]),
        ({HANDLER: "try:\n    import a\nexcept ValueError:\n    pass\n"}, ["a"]),
        ({HANDLER: "import typing\nif typing.TYPE_CHECKING:\n    import a\nelse:\n    import b\n"}, ["b"]),
        ({HANDLER: "import parts\n", "code/parts.py": "import a\n", "code/unused.py": "import b\n"}, ["a"]),
        ({HANDLER: "import beside\n", "beside.py": "import a\n"}, ["a"]),
        ({HANDLER: "from pack import part\n", "code/pack/__init__.py": "", "code/pack/part.py": "import a\n"}, ["a"]),
        ({HANDLER: "import p.one\n", "code/p/one.py": "from . import two\n", "code/p/two.py": "import a"}, ["a"]),
        ({HANDLER: "import p\n", "code/p/__init__.py": "from .one import x\n", "code/p/one.py": "import a"}, ["a"]),
        ({HANDLER: "import p.q\n", "code/p/q/__init__.py": "from ..up import x", "code/p/up.py": "import a"}, ["a"]),
        ({HANDLER: "import one\n", "code/one.py": "import two\n", "code/two.py": "import one\nimport a\n"}, ["a"]),
        ({HANDLER: "import json\n", "code/json.py": "import a\n"}, ["a"]),
    ],
)  # fmt: skip
def test_modules_from_outside_are_found(files: dict[str, str], found: list[str], tmp_path: Path) -> None:
    imports = external_imports(_root(tmp_path, files), HANDLER)
    assert [each.module + "?" * each.optional for each in imports] == found


def test_an_import_is_named_with_file_and_line(tmp_path: Path) -> None:
    root = _root(tmp_path, {HANDLER: "import parts\n", "code/parts.py": "\n\nimport a\n"})
    (found,) = external_imports(root, HANDLER)
    assert (found.file, found.line) == ("code/parts.py", 3)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("def a(): ...\nasync def b(): ...\nclass C:\n    d = 1\n", {"a", "b", "C"}),
        ("a = b = 1\nc, (d, e) = 1, (2, 3)\nf: int = 1\n", {"a", "b", "c", "d", "e", "f"}),
        ("import a.b\nfrom c import d as e\n", {"a", "e"}),
        ("if True:\n    def a():\n        b = 1\n", {"a"}),
        ("from a import *\n", None),
    ],
)
def test_the_names_that_a_module_binds_are_known(text: str, names: set[str] | None, tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text(text)
    assert top_level_names(file, "a.py") == names
