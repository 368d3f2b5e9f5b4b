"""The house rules that a reader of the source can check: reaches, lengths, branches, tests, faces.

What breaks a rule today is listed in `ALLOWED`, which may only become shorter: an entry that is no
longer needed fails too. `python -m tests.test_house` prints the table as it would be now.
"""

import pathlib

import pytest

from benchmarks.house import functions, imports, rooms, signatures, text
from benchmarks.house.source import Module, Package, read_folder, read_package

ROOT = pathlib.Path(__file__).parents[1]
LONGEST_FILE = 600
MOST_BRANCHES = 20

ALLOWED: dict[str, set[str]] = {}


def read_house() -> tuple[Package, list[Module]]:
    """The package, and all modules of the repository."""
    folders = ("fkeras", "tests", "benchmarks", "examples")
    modules = [module for folder in folders for module in read_folder(ROOT / folder, ROOT)]
    return read_package(str(ROOT)), modules


@pytest.fixture(scope="module")
def breaches() -> dict[str, set[str]]:
    return find_breaches(*read_house())


def find_breaches(package: Package, modules: list[Module]) -> dict[str, set[str]]:
    """What breaks each rule: files, or `file::name`."""
    return {
        "no reach up to a private name of a higher room": {
            place.key for place in rooms.find_reaches_up(package)
        },
        "no line over 100 columns": {
            module.place for module in modules if any(text.module_wide_lines(module))
        },
        "no file over 600 lines": {
            module.place for module in modules if len(module.lines) > LONGEST_FILE
        },
        "no function of a cyclomatic complexity above 20": {
            place.key
            for place in functions.find_complexities(package)
            if place.value > MOST_BRANCHES
        },
        "a test file for each module of core, training and saving": {
            place.module.place for place in rooms.find_untested_modules(package)
        },
        "faces hold names only": {
            place.module.place for place in rooms.find_definitions_in_faces(package)
        },
    }


RULES = list(find_breaches(Package("none", [], [], None), []))


@pytest.mark.parametrize("rule", RULES)
def test_nothing_new_breaks_a_house_rule(breaches, rule):
    new = breaches[rule] - ALLOWED.get(rule, set())
    assert not new, f"{rule}; against it: {sorted(new)}. `python -m benchmarks.house --help`"


@pytest.mark.parametrize("rule", RULES)
def test_what_no_longer_breaks_a_house_rule_is_not_listed(breaches, rule):
    mended = ALLOWED.get(rule, set()) - breaches[rule]
    assert not mended, f"{rule}; take out of ALLOWED: {sorted(mended)}"


def test_the_list_of_exceptions_names_rules_only():
    assert set(ALLOWED) <= set(RULES)


# -- the rules see what they are for --------------------------------------------------------------


@pytest.fixture
def write(tmp_path):
    """Writes a project of two rooms, `cellar` below `attic`, and reads it."""

    def writing(**files: str) -> Package:
        contract = 'layers = ["(attic) : (loft)", "utils", "cellar"]'
        settings = f'project.name = "house"\n[[tool.importlinter.contracts]]\n{contract}\n'
        (tmp_path / "pyproject.toml").write_text(settings)
        for name, source in files.items():
            path = tmp_path / "house" / f"{name.replace('__', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source)
        return read_package(str(tmp_path))

    return writing


ATTIC = "class Attic:\n    _box = 1\n    def __init__(self):\n        self._key = 2\n"


@pytest.mark.parametrize(
    "room, source, reached",
    [
        ("cellar", "def f(x):\n    return x._key", {"f _key"}),
        ("cellar", "def f(x):\n    return x.y._box", {"f _box"}),
        ("cellar", "def f(x):\n    return getattr(x, '_key', None)", {"f _key"}),
        ("cellar", "def f(x):\n    x._key = 1", {"f _key"}),
        ("cellar", "class C:\n    def f(self):\n        return self._key", set()),
        ("cellar", "def f(x):\n    return x._unknown + x.__dict__", set()),
        ("cellar", "def f(x):\n    return x._key\nclass C:\n    _key = 1", set()),
        ("cellar", "def _key():\n    pass\ndef f(x):\n    return x._key", {"f _key"}),
        ("loft", "def f(x):\n    return x._key", set()),
        ("elsewhere", "def f(x):\n    return x._key", set()),
    ],
)
def test_reaches_up_are_seen(write, room, source, reached):
    package = write(**{"attic__attic": ATTIC, f"{room}__room": source})
    found = {place.name for place in rooms.find_reaches_up(package)}
    assert found == reached


@pytest.mark.parametrize(
    "body, complexity",
    [
        ("return x", 1),
        ("if x:\n        pass\n    elif y:\n        pass\n    else:\n        pass", 3),
        ("return x and y and z or w", 4),
        ("return [i for i in x if i for j in y]", 4),
        ("return x if y else z", 2),
        ("try:\n        pass\n    except E:\n        pass\n    finally:\n        pass", 2),
        ("with x:\n        assert y", 2),
        ("for i in x:\n        while y:\n            pass", 3),
        ("match x:\n        case 1:\n            pass\n        case _:\n            pass", 3),
        ("return lambda: x", 1),
    ],
)
def test_complexity_counts_branches(write, body, complexity):
    package = write(rooms=f"def f(x, y, z, w):\n    {body}\n")
    assert [place.value for place in functions.find_complexities(package)] == [complexity]


def test_functions_inside_functions_count_by_themselves(write):
    package = write(
        rooms="def f(x):\n    def g(y):\n        return y or x\n    return g if x else 0\n"
    )
    found = {place.name: place.value for place in functions.find_complexities(package)}
    assert found == {"f": 2, "f.g": 2}


@pytest.mark.parametrize(
    "source, own",
    [
        ("import os\nfrom a import b as b\nc = b\n__all__ = ['b', *os.x]\n", set()),
        ("def __getattr__(name):\n    return 1\ndef __dir__():\n    return []\n", set()),
        ("if TYPE_CHECKING:\n    from a import b as b\n", set()),
        ("def f():\n    pass\nclass C:\n    pass\n", {"f", "C"}),
        ("x = f()\ny: int = 1 + 1\n", {"x", "y"}),
        ("for x in y:\n    pass\n", {"<for>"}),
    ],
)
def test_definitions_in_faces_are_seen(write, source, own):
    found = rooms.find_definitions_in_faces(write(utils__tools=source, cellar__a="x = f()"))
    assert {place.name for place in found} == own


@pytest.mark.parametrize(
    "a, b, at_top, anywhere",
    [
        ("import house.b", "from house import a", ["house.a", "house.b"], ["house.a", "house.b"]),
        ("from . import b", "from .a import x", ["house.a", "house.b"], ["house.a", "house.b"]),
        ("import house.b", "def f():\n    import house.a", [], ["house.a", "house.b"]),
        ("import house.b", "if TYPE_CHECKING:\n    import house.a", [], []),
        ("import house.b", "import os", [], []),
    ],
)
def test_circles_of_imports_are_seen(write, a, b, at_top, anywhere):
    package = write(a=a, b=b)
    assert [place.module.name for place in imports.find_circles(package)] == at_top
    found = imports.find_circles_in_functions(package)
    assert [place.module.name for place in found] == anywhere


def test_arguments_are_typed_where_their_type_says_something(write):
    source = """
def f(a, b: int, c: Any, d: typing.Any = 1, *args, e: "object", g: int | Any, **kwargs): ...
def _private(a: int): ...
class C:
    def __init__(self, a): ...
    def _private(self, a: int): ...
class _C:
    def f(self, a: int): ...
"""
    package = write(rooms=source)
    untyped = [place.name for place in signatures.find_untyped(package)]
    assert untyped == ["f a", "f c", "f d", "f e", "C.__init__ a"]
    assert signatures.typed_public_arguments(package) == pytest.approx(100 * 2 / 7)
    assert signatures.typed_arguments(package) == pytest.approx(100 * 5 / 10)


def test_a_module_is_tested_by_the_file_of_its_name_or_its_folders(write, tmp_path):
    names = ("core__a", "core__sub__b", "core__sub__c", "core__other__d", "cellar__e")
    tests = tmp_path / "tests" / "core"
    (tests / "sub").mkdir(parents=True)
    (tests / "sub" / "test_b.py").touch()
    (tests / "test_other.py").touch()
    found = rooms.find_untested_modules(write(**dict.fromkeys(names, "")))
    assert [place.module.name for place in found] == ["house.core.a", "house.core.sub.c"]


if __name__ == "__main__":
    print("ALLOWED: dict[str, set[str]] = {")
    for rule, places in find_breaches(*read_house()).items():
        if places:
            print(
                f'    "{rule}": {{', *(f'        "{place}",' for place in sorted(places)), sep="\n"
            )
            print("    },")
    print("}")
