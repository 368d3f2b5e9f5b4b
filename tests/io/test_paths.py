import pytest

from fkeras.io.paths import parts_of, reason_to_refuse


@pytest.mark.parametrize(
    "name",
    [
        "digits.npz",
        "datasets/digits.npz",
        "./a/b",
        "a//b/",
        "Füße/数字.txt",
        "..a/b..",
        "12:30.txt",
        "",
    ],
)
def test_names_that_stay_in_their_folder_are_accepted(name):
    assert reason_to_refuse(name) is None


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("..", "leaves the folder"),
        ("../a", "leaves the folder"),
        ("a/../../b", "leaves the folder"),
        ("a/..", "leaves the folder"),
        ("/etc/passwd", "absolute"),
        ("//host/share", "absolute"),
        ("C:/windows", "drive letter"),
        ("c:file", "drive letter"),
        ("./C:/windows", "drive letter"),
        ("..\\a", "backslash"),
        ("\\\\host\\share", "backslash"),
        ("a\0b", "zero byte"),
    ],
)
def test_names_that_leave_their_folder_are_refused_with_the_reason(name, reason):
    assert reason in reason_to_refuse(name)


def test_parts_leave_out_what_is_empty_or_a_dot():
    assert parts_of("./a//b/./c/") == ("a", "b", "c")
    assert parts_of("./") == parts_of("") == ()
