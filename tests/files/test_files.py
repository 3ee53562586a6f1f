"""Reading what users hand us: only regular files, only rule files, never blocked, never more than the limit."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from autotrader.errors import ConfigError
from autotrader.files import find_account_file, included, read_account_file, read_secret, read_sources
from autotrader.language.load import load
from autotrader.language.problems import Problem
from autotrader.language.render import as_text
from tests.worlds.work import calls

TEXT = "version: 1\n"


def made(folder: Path, *names: str) -> None:
    """Rule files of one line."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(TEXT)


def the_one(problems: tuple[Problem, ...]) -> Problem:
    """The only problem, which has all that a user needs."""
    assert [each.code for each in problems] == ["AT001"], problems
    assert problems[0].message
    assert problems[0].hint or problems[0].severity == "warning"
    assert as_text(problems, {}).isascii()
    return problems[0]


# ---- what counts ---------------------------------------------------------------------------------------------------


def test_a_folder_gives_its_rule_files_only(tmp_path: Path) -> None:
    """Hidden files, tests, what editors leave behind and other names do not count; sub-folders do."""
    left_behind = [".a.yaml.swp", "a.yaml~", "#a.yaml#", ".#a.yaml", "a.yaml.bak", "a.yaml.tmp", "4913", ".a.yaml.X1f"]
    made(tmp_path, "b.yaml", "a.yml", "sub/c.yaml", ".hidden.yaml", "a.test.yaml", *left_behind, "x.txt", ".git/d.yaml")
    found = read_sources([str(tmp_path)])
    assert [Path(name).name for name in found.texts] == ["a.yml", "b.yaml", "c.yaml"]
    assert found.problems == ()
    made(tmp_path, "autotrader.yaml")
    assert set(included(tmp_path / "autotrader.yaml", ["*.yaml", "*.y*ml*", ".*.yaml"]).texts) == {
        str(tmp_path / name) for name in ("a.yml", "b.yaml", "autotrader.yaml")
    }


def test_a_folder_without_rules_is_told(tmp_path: Path) -> None:
    """An empty folder is a warning: nobody means it."""
    assert the_one(read_sources([str(tmp_path)]).problems).severity == "warning"


def test_include_stays_below_the_account_file(tmp_path: Path) -> None:
    """Patterns reach down, never up or elsewhere; one without a match is a warning."""
    made(tmp_path, "autotrader.yaml", "rules/a.yaml", "rules/a.test.yaml")
    found = included(tmp_path / "autotrader.yaml", ["rules/*.yaml", "../*.yaml", "/etc/*.yaml", "none/*.yaml"])
    assert [Path(name).name for name in found.texts] == ["a.yaml"]
    assert [each.severity for each in found.problems] == ["error", "error", "warning"]


def test_the_account_file_is_found_upward(tmp_path: Path) -> None:
    """From a folder inside the project."""
    made(tmp_path, "autotrader.yaml", "a/b/c.yaml")
    assert tmp_path / "autotrader.yaml" == find_account_file(tmp_path / "a" / "b")


# ---- special files: each is one clear message that names the path, and nothing waits -------------------------------


def link_out(path: Path) -> None:
    """A link to a file outside."""
    made(path.parent.parent, "outside.yaml")
    path.symlink_to(path.parent.parent / "outside.yaml")


def link_loop(path: Path) -> None:
    """A link to itself."""
    path.symlink_to(path)


def bound(path: Path) -> None:
    """A socket in the file system."""
    here = Path.cwd()
    os.chdir(path.parent)  # the names of sockets are short
    with socket.socket(socket.AF_UNIX) as made_here:
        made_here.bind(path.name)
    os.chdir(here)


SPECIAL: dict[str, tuple[Callable[[Path], object], str]] = {
    "a link out of the tree": (link_out, "a link"),
    "a link to itself": (link_loop, "a link"),
    "a link to nothing": (lambda path: path.symlink_to("absent"), "a link"),
    "a link to a device": (lambda path: path.symlink_to("/dev/zero"), "a link"),
    "a pipe": (os.mkfifo, "a pipe (FIFO)"),
    "a socket": (bound, "a socket"),
    "a folder": (Path.mkdir, "a folder with the name of a rule file"),
}


@pytest.mark.parametrize("name", list(SPECIAL))
@pytest.mark.parametrize("way", ["folder", "include"])
def test_what_is_no_rule_file_is_named_and_does_not_block(name: str, way: str, tmp_path: Path) -> None:
    """Beside a good file, which is still read; the message says what it is, and where. (A pipe would hang for ever.)"""
    make, said = SPECIAL[name]
    made(tmp_path, "rules/good.yaml", "autotrader.yaml")
    make(tmp_path / "rules" / "odd.yaml")
    account = tmp_path / "autotrader.yaml"
    found = read_sources([str(tmp_path / "rules")]) if way == "folder" else included(account, ["rules/*.yaml"])
    problem = the_one(found.problems)
    assert problem.place.file == str(tmp_path / "rules" / "odd.yaml")
    assert said.removesuffix(" with the name of a rule file" if way == "include" else "") in problem.message
    assert list(found.texts) == [str(tmp_path / "rules" / "good.yaml")]


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null", "missing.yaml", "a\x00b", "x" * 300, "a/" * 3000])
def test_what_is_no_file_becomes_a_problem(path: str) -> None:
    """Devices, missing files and impossible names are reported, not raised."""
    the_one(read_sources([path]).problems)


@pytest.mark.parametrize("way", ["folder", "include"])
def test_a_folder_that_is_a_link_is_not_entered(way: str, tmp_path: Path) -> None:
    """A folder that leads out of the tree, or back into itself, is told once and not followed."""
    made(tmp_path, "outside/a.yaml", "outside/b.yaml", "in/good.yaml", "in/autotrader.yaml")
    (tmp_path / "in" / "out").symlink_to(tmp_path / "outside")
    if way == "include":
        found = included(tmp_path / "in" / "autotrader.yaml", ["out/*.yaml", "good.yaml"])
    else:
        found = read_sources([str(tmp_path / "in")])
    assert the_one(found.problems).place.file == str(tmp_path / "in" / "out")
    assert str(tmp_path / "in" / "good.yaml") in found.texts
    assert not any("outside" in name or "out/" in name for name in found.texts)


def test_a_loop_of_folders_ends(tmp_path: Path) -> None:
    """A link to the folder that holds it is one problem."""
    made(tmp_path, "a.yaml")
    (tmp_path / "again").symlink_to(tmp_path)
    found = read_sources([str(tmp_path)])
    assert "a link" in the_one(found.problems).message
    assert len(found.texts) == 1


def test_a_path_that_the_user_names_may_be_a_link(tmp_path: Path) -> None:
    """What is asked for by name is followed: the user sees where it leads. A loop is still a problem."""
    made(tmp_path, "outside/a.yaml")
    (tmp_path / "link.yaml").symlink_to(tmp_path / "outside" / "a.yaml")
    (tmp_path / "loop.yaml").symlink_to(tmp_path / "loop.yaml")
    assert read_sources([str(tmp_path / "link.yaml")]).problems == ()
    assert "link" in the_one(read_sources([str(tmp_path / "loop.yaml")]).problems).message


# ---- sizes and numbers ---------------------------------------------------------------------------------------------


def test_a_huge_file_is_not_read_whole(tmp_path: Path) -> None:
    """Reading stops just behind the limit, and the loader says what the limit is."""
    path = tmp_path / "a.yaml"
    with path.open("wb") as file:
        file.truncate(1 << 30)
    texts = read_sources([str(path)]).texts
    assert len(texts[str(path)]) == 256 * 1024 + 1
    assert [each.code for each in load(texts)[1]] == ["AT002"]
    assert "more than 262,144 bytes" in load(texts)[1][0].message


def test_a_file_of_just_the_limit_is_read(tmp_path: Path) -> None:
    """256 KiB are allowed."""
    path = tmp_path / "a.yaml"
    path.write_bytes(TEXT.encode().ljust(256 * 1024, b"#"))
    assert "AT002" not in {each.code for each in load(read_sources([str(path)]).texts)[1]}


@pytest.mark.parametrize("way", ["folder", "include"])
def test_ten_thousand_files_are_refused_quickly(way: str, tmp_path: Path) -> None:
    """A folder that was meant to be another one: one message, and none of its files is read."""
    rules = tmp_path / "rules"
    rules.mkdir()
    for number in range(10_000):
        (rules / f"{number}.yaml").touch()
    made(tmp_path, "autotrader.yaml")

    def read() -> None:
        account = tmp_path / "autotrader.yaml"
        found = read_sources([str(rules)]) if way == "folder" else included(account, ["rules/*.yaml"])
        assert "more than 1,000" in the_one(found.problems).message
        assert found.texts == {}

    assert calls(read) < 10_000 * 20


def test_folders_without_end_are_refused(tmp_path: Path) -> None:
    """Folders in folders in folders: one message, and no need to go to their end."""
    made(tmp_path, "a.yaml")
    (tmp_path / Path("/".join("d" * 40))).mkdir(parents=True)
    found = read_sources([str(tmp_path)])
    assert "deep" in the_one(found.problems).message
    assert len(found.texts) == 1


# ---- names ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [b"caf\xe9.yaml", b"a\nb.yaml", b"\x1b[2J.yaml"])
@pytest.mark.parametrize("way", ["folder", "name"])
def test_a_name_that_cannot_be_shown_is_refused(name: bytes, way: str, tmp_path: Path) -> None:
    """Bytes that are no UTF-8, a line break, an escape sequence: told in a form that terminals and records can hold."""
    (tmp_path / os.fsdecode(name)).write_text(TEXT)
    problem = the_one(read_sources([str(tmp_path if way == "folder" else tmp_path / os.fsdecode(name))]).problems)
    assert "its name" in problem.message
    problem.place.file.encode()


def test_a_japanese_name_is_fine(tmp_path: Path) -> None:
    """Names are texts of people."""
    made(tmp_path, "買い.yaml")
    assert read_sources([str(tmp_path)]).problems == ()


# ---- who may write -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [0o664, 0o646, 0o666, 0o777])
def test_live_refuses_files_that_others_may_write(mode: int, tmp_path: Path) -> None:
    """Group and world write bits: refused when real money is at stake, warned of otherwise; chmod mends it."""
    made(tmp_path, "autotrader.yaml", "rules/a.yaml")
    path = tmp_path / "rules" / "a.yaml"
    path.chmod(mode)
    for strict, severity in ((True, "error"), (False, "warning")):
        for found in (
            read_sources([str(tmp_path / "rules")], strict_permissions=strict),
            included(tmp_path / "autotrader.yaml", ["rules/*.yaml"], strict_permissions=strict),
        ):
            problem = the_one(found.problems)
            assert (problem.severity, problem.place.file) == (severity, str(path))
            assert f"others may write to it (mode {mode:04o})" in problem.message
            assert problem.hint == f"chmod go-w {path}"
            assert (str(path) in found.texts) is not strict
    path.chmod(mode & ~0o022)
    assert read_sources([str(tmp_path / "rules")], strict_permissions=True).problems == ()


def test_live_refuses_a_folder_that_others_may_write(tmp_path: Path) -> None:
    """Who may write in the folder may put another file in its place; a sticky bit, as /tmp has, prevents that."""
    made(tmp_path, "rules/a.yaml")
    (tmp_path / "rules").chmod(0o777)
    assert "in its place" in the_one(read_sources([str(tmp_path)], strict_permissions=True).problems).message
    (tmp_path / "rules").chmod(0o1777)
    assert read_sources([str(tmp_path)], strict_permissions=True).problems == ()


def test_live_refuses_a_file_of_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever owns a file can change it whatever its mode is; root can anyway."""
    made(tmp_path, "a.yaml")
    if os.geteuid() == 0:
        os.chown(tmp_path / "a.yaml", 12_345, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 12_345)
    problem = the_one(read_sources([str(tmp_path)], strict_permissions=True).problems)
    assert "another user" in problem.message
    assert problem.hint.startswith("chown ")


def test_the_account_file_is_judged_in_live_too(tmp_path: Path) -> None:
    """It holds the limits."""
    made(tmp_path, "autotrader.yaml")
    (tmp_path / "autotrader.yaml").chmod(0o666)
    assert read_account_file(tmp_path / "autotrader.yaml") == TEXT.encode()
    with pytest.raises(ConfigError, match="others may write"):
        read_account_file(tmp_path / "autotrader.yaml", strict_permissions=True)


# ---- half-written --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", ["grows", "shrinks", "same size", "same size and time"])
def test_a_file_that_changes_while_it_is_read_is_refused(
    change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was judged must be what was read: a writer that comes between two reads is noticed by the bytes."""
    path = tmp_path / "a.yaml"
    path.write_text("a" * 100_000)
    before, real, reads = path.stat(), os.read, [0]

    def read(handle: int, count: int) -> bytes:
        part = real(handle, count)
        reads[0] += 1
        if reads[0] == 1:
            if change == "grows":
                path.write_text("a" * 150_000)
            elif change == "shrinks":
                path.write_text("a" * 70_000)
            else:
                with path.open("r+") as file:
                    file.write("b")
                os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        return part

    monkeypatch.setattr(os, "read", read)  # a moment that chance seldom gives; the change itself is real
    problem = the_one(read_sources([str(path)]).problems)
    assert problem.message == "it changed while it was read"
    monkeypatch.undo()
    assert read_sources([str(path)]).problems == ()


def test_a_reader_beside_a_writer_gets_a_whole_file_or_none(tmp_path: Path) -> None:
    """A thousand reads beside a program that saves without pause, in place: one of its two texts, empty, or refused."""
    path, done = tmp_path / "a.yaml", threading.Event()
    old, new = b"a" * 50_000, b"b" * 60_000
    path.write_bytes(old)

    def write() -> None:
        while not done.is_set():
            for text in (new, old):
                path.write_bytes(text)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        found = [read_sources([str(path)]) for _ in range(1_000)]
    finally:
        done.set()
        writer.join()
    texts = {text for each in found for text in each.texts.values()}
    assert all(len(set(text)) <= 1 for text in texts)
    assert {each.problems[0].message for each in found if each.problems} <= {"it changed while it was read"}


# ---- secrets -------------------------------------------------------------------------------------------------------


def behind_a_link(path: Path) -> None:
    """The file elsewhere, and a link in its place."""
    path.rename(f"{path}.x")
    path.symlink_to(f"{path}.x")


def in_its_place(make: Callable[[Path], object]) -> Callable[[Path], object]:
    """Something else in the file's place."""

    def change(path: Path) -> None:
        path.unlink()
        make(path)

    return change


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "readable by the group": (lambda path: path.chmod(0o640), "others may read"),
    "readable by all": (lambda path: path.chmod(0o604), "others may read"),
    "writable by the group": (lambda path: path.chmod(0o620), "others may write"),
    "a link to one that is readable": (behind_a_link, "others may read"),
    "a folder": (in_its_place(Path.mkdir), "a folder"),
    "a pipe": (in_its_place(os.mkfifo), "a pipe"),
    "absent": (Path.unlink, "no such file"),
    "empty": (lambda path: path.write_text(""), "no ASCII text"),
    "blank": (lambda path: path.write_text(" \n"), "no ASCII text"),
    "not ASCII": (lambda path: path.write_bytes(b"abc123\xff"), "no ASCII text"),
    "too long": (lambda path: path.write_text("abc123" * 2000), "larger than"),
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_a_secret_must_be_private(name: str, tmp_path: Path) -> None:
    """A regular file, mode 0600, of the owner: anything else is refused with the fix, and nothing of it is shown."""
    path = tmp_path / "secret"
    path.write_text("abc123\n")
    path.chmod(0o600)
    assert read_secret(path) == "abc123"
    if "readable" in name:
        path.chmod(0o644)
    change, said = REFUSED[name]
    change(path)
    with pytest.raises(ConfigError, match=said) as caught:
        read_secret(path)
    assert caught.value.hint
    assert str(path) in str(caught.value)
    assert "abc123" not in str(caught.value) + caught.value.hint


def test_a_secret_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its owner could read and change it."""
    path = tmp_path / "secret"
    path.write_text("abc123\n")
    path.chmod(0o600)
    if os.geteuid() == 0:
        os.chown(path, 12_345, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 12_345)
    with pytest.raises(ConfigError, match="another user"):
        read_secret(path)


def test_a_credential_of_the_service_manager_may_show_rights_of_the_group(tmp_path: Path) -> None:
    """systemd grants the service's user by an access list, which the mode shows as 0440; the world still may not."""
    path = tmp_path / "secret"
    path.write_text("abc123\n")
    path.chmod(0o440)
    assert read_secret(path, group_may_read=True) == "abc123"
    path.chmod(0o444)
    with pytest.raises(ConfigError, match="others may read"):
        read_secret(path, group_may_read=True)
