"""Safe reading of what users hand us: rule files, folders of them, the account file, secrets.

A path is opened without blocking (a FIFO must not hang the service), the open file is judged, not its name, and what
is judged is what is read, twice, since it may be in the midst of being written (docs/order-safety.md §4). In a folder
only regular `*.yaml` and `*.yml` files count that are not hidden and not rule tests; a link inside a folder is refused,
a path that the user names may be one. Files that others could have changed are refused in live, warned of otherwise.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import NamedTuple

from autotrader.errors import ConfigError
from autotrader.language.problems import Problem
from autotrader.language.tree import Place
from autotrader.language.yaml_text import MAX_BYTES
from autotrader.structs import dataclass
from autotrader.text import path_text

ACCOUNT_FILE = "autotrader.yaml"
STDIN = "-"
MAX_FILES = 1_000
MAX_LEVELS = 16
MAX_SECRET_BYTES = 8192
# DOTALL: a name may hold a line end, and must not slip past the end of the pattern
_RULE_FILE = re.compile(r"^(?!\.)(?!.*\.test\.ya?ml$).*\.ya?ml$", re.DOTALL)
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe (FIFO)"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
_LINK = "a link, which is not followed inside a folder"
_LINK_HINT = "put the file itself here, or name the place that it points to"


@dataclass(frozen=True, slots=True)
class RuleSources:
    """What was read: name as shown to the user -> content; and what could not be read."""

    texts: Mapping[str, bytes]
    problems: tuple[Problem, ...] = field(default=())


class _Wrong(NamedTuple):
    """What is wrong with a file, and what mends it."""

    message: str
    hint: str


class _Read(NamedTuple):
    """A file's bytes (one more than the limit at most, which tells that it is too long); `loose`: who may write it."""

    data: bytes
    loose: _Wrong | None


class _Reader:
    """Collects the texts and problems of one call."""

    def __init__(self, *, strict: bool) -> None:
        self.texts: dict[str, bytes] = {}
        self.problems: list[Problem] = []
        self.strict = strict

    @property
    def found(self) -> RuleSources:
        return RuleSources(self.texts, tuple(self.problems))

    def tell(self, path: str | Path, message: str, hint: str, *, warning: bool = False) -> None:
        place = Place(path_text(path), 1, 1)
        severity = "warning" if warning else "error"
        self.problems.append(Problem(code="AT001", place=place, message=message, hint=hint, severity=severity))  # type: ignore[arg-type]  # one of the two words above

    def read(self, path: Path, *, links: bool) -> None:
        """Take one rule file."""
        if not str(path).isprintable():  # such a name could forge lines of our own messages
            self.tell(path, "its name holds bytes that are not UTF-8, or cannot be shown", "rename it")
            return
        found = _bytes_of(path, MAX_BYTES, links=links, strict=self.strict)
        if isinstance(found, _Wrong):
            self.tell(path, *found)
            return
        if found.loose is not None:
            self.tell(path, f"{found.loose.message}; live refuses it", found.loose.hint, warning=True)
        self.texts[str(path)] = found.data

    def folder(self, top: Path) -> None:
        """Take every rule file below a folder."""
        found = list(self._below(top))
        if len(found) > MAX_FILES:
            self.tell(top, f"more than {MAX_FILES:,} rule files", "name a smaller folder")
            return
        if not found and not self.problems:
            self.tell(top, "no rule files (*.yaml, *.yml) in this folder", "", warning=True)
        for path in found:
            self.read(path, links=False)

    def _below(self, top: Path) -> Iterator[Path]:
        """Rule files by name, those of a folder before those of the folders in it; one more than MAX_FILES at most."""
        waiting, count = [(top, 1)], 0
        while waiting:
            base, level = waiting.pop()
            inner: list[Path] = []
            for entry in self._listed(base):
                path = base / entry.name
                if entry.is_symlink() and path.is_dir():  # of a path: for a loop an entry's `is_dir` raises
                    self.tell(path, _LINK, _LINK_HINT)
                elif entry.is_dir(follow_symlinks=False):
                    inner += self._entered(path, level)
                elif _RULE_FILE.match(entry.name):
                    yield path
                    count += 1
                    if count > MAX_FILES:
                        return
            waiting += [(path, level + 1) for path in reversed(inner)]

    def _listed(self, folder: Path) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as entries:
                return sorted((each for each in entries if each.name[0] != "."), key=lambda each: each.name)
        except OSError as error:
            self.tell(folder, f"the folder cannot be listed: {error.strerror}", "see its owner and mode")
            return []

    def _entered(self, folder: Path, level: int) -> list[Path]:
        """A folder in a folder, if it is one to look into."""
        if _RULE_FILE.match(folder.name):
            self.tell(folder, "a folder with the name of a rule file", "rename it, or put the rules into a file")
        elif level >= MAX_LEVELS:
            self.tell(folder, f"more than {MAX_LEVELS} folders deep", "put the rules nearer to the top")
        else:
            return [folder]
        return []


def read_sources(paths: Sequence[str], *, strict_permissions: bool = False) -> RuleSources:
    """Read files, folders and `-` (standard input). Never raises for a bad path: it becomes a problem (AT001).

    `strict_permissions` (live): files that others could have changed are refused; without it they are warned of.
    """
    reader = _Reader(strict=strict_permissions)
    for path in paths:
        if path == STDIN:
            # one byte more than allowed is enough to know that it is too long
            reader.texts["<stdin>"] = sys.stdin.buffer.read(MAX_BYTES + 1)
        # asked of the name the user gave, which may be a link; inside folders no link is followed
        elif _is_folder(path):
            reader.folder(Path(path))
        else:
            reader.read(Path(path), links=True)
    return reader.found


def included(account_file: Path, patterns: Iterable[str], *, strict_permissions: bool = False) -> RuleSources:
    """Read the rule files that the account file's `include` names, relative to its folder; no link leads out of it."""
    reader = _Reader(strict=strict_permissions)
    for pattern in patterns:
        # a copied account file must not read outside its own folder
        if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
            reader.tell(
                account_file,
                f"`include: {pattern}` leaves the folder of the account file",
                "name files below it, such as `rules/*.yaml`",
            )
            continue
        found = _matching(account_file.parent, pattern)
        if not found:
            reader.tell(account_file, f"`include: {pattern}` matches no file", "", warning=True)
        if len(found) > MAX_FILES:
            reader.tell(account_file, f"`include: {pattern}` matches more than {MAX_FILES:,} files", "name fewer")
            continue
        for path in found:
            # the pattern may have walked through a link on its way
            link = next((each for each in _folders_above(path, account_file.parent) if each.is_symlink()), None)
            if link is None:
                reader.read(path, links=False)
            elif path_text(link) not in {problem.place.file for problem in reader.problems}:
                reader.tell(link, _LINK, _LINK_HINT)
    return reader.found


def _matching(folder: Path, pattern: str) -> list[Path]:
    """What a pattern names, sorted; one more than MAX_FILES at most."""
    found: list[Path] = []
    for path in folder.glob(pattern):
        if _RULE_FILE.match(path.name):
            found.append(path)
        if len(found) > MAX_FILES:
            break
    return sorted(found)


def _folders_above(path: Path, top: Path) -> list[Path]:
    """The folders between a file and the folder `top`, which is left out."""
    return [each for each in path.parents if each != top and top in each.parents]


def _is_folder(path: str) -> bool:
    try:
        return Path(path).is_dir()
    except (OSError, ValueError):
        return False


def find_account_file(start: Path) -> Path | None:
    """The nearest autotrader.yaml in a folder or above it."""
    folder = start.resolve()
    for each in (folder, *folder.parents):
        if (each / ACCOUNT_FILE).is_file():
            return each / ACCOUNT_FILE
    return None


def read_account_file(path: Path, *, strict_permissions: bool = False) -> bytes:
    """The account file's bytes. Raises ConfigError."""
    found = _bytes_of(path, MAX_BYTES, links=True, strict=strict_permissions)
    if isinstance(found, _Wrong):
        raise ConfigError(f"{path_text(path)}: {found.message}", hint=found.hint)
    return found.data


def read_secret(path: Path, *, group_may_read: bool = False) -> str:
    """A secret from a file of its own that nobody else may read (mode 0600). Raises ConfigError, never with content.

    `group_may_read`: for the service manager's files, whose mode shows what their access list allows to us as rights of
    the group (systemd, `LoadCredential=`).
    """
    text = _secret_in(path, private=stat.S_IRWXO if group_may_read else stat.S_IRWXG | stat.S_IRWXO)
    if isinstance(text, _Wrong):
        raise ConfigError(f"secret file {path_text(path)}: {text.message}", hint=text.hint)
    return text


def _secret_in(path: Path, *, private: int) -> str | _Wrong:
    found = _bytes_of(path, MAX_SECRET_BYTES, links=True, strict=True, private=private)
    if isinstance(found, _Wrong):
        return found
    if len(found.data) > MAX_SECRET_BYTES:
        return _Wrong(
            f"larger than {MAX_SECRET_BYTES:,} bytes, which no secret is", "name the file of the secret alone"
        )
    text = found.data.decode("ascii", "replace").strip()
    if not text or "\ufffd" in text:
        return _Wrong("it holds no ASCII text", "put the secret into it, and nothing else")
    return text


def _bytes_of(path: Path, limit: int, *, links: bool, strict: bool, private: int = 0) -> _Read | _Wrong:
    """The file's bytes, or what is wrong. `private`: permissions that it may not have."""
    # without waiting and without becoming the terminal of a device
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY | (0 if links else os.O_NOFOLLOW)
    try:
        handle = os.open(path, flags)
    except ValueError:
        return _Wrong("not a usable path", "paths hold no NUL")
    except OSError as error:
        return _unopened(path, error, links=links)
    try:
        return _judged(path, handle, limit, strict=strict, private=private)
    except OSError as error:
        return _Wrong(f"it cannot be read: {error.strerror}", "try again; see the disk")
    finally:
        os.close(handle)


def _unopened(path: Path, error: OSError, *, links: bool) -> _Wrong:
    """Why a file could not be opened."""
    try:
        mode = path.lstat().st_mode
    except OSError:
        mode = 0
    if stat.S_ISLNK(mode):
        if not links:
            return _Wrong(_LINK, _LINK_HINT)
        return _Wrong(f"the link leads nowhere: {error.strerror}", "see where it points to")
    if isinstance(error, FileNotFoundError):
        return _Wrong("no such file or folder", "see its spelling; paths begin in the folder where you are")
    if stat.S_ISSOCK(mode):
        return _not_regular(mode)
    return _Wrong(f"it cannot be opened: {error.strerror}", "see its name, owner and mode")


def _not_regular(mode: int) -> _Wrong:
    what = next((name for is_kind, name in _KINDS if is_kind(mode)), "something else")
    return _Wrong(f"not a regular file, but {what}", "name a file, or take it away")


def _judged(path: Path, handle: int, limit: int, *, strict: bool, private: int) -> _Read | _Wrong:
    before = os.fstat(handle)  # of what is open: the name may be another file by now
    if not stat.S_ISREG(before.st_mode):
        return _not_regular(before.st_mode)
    loose = _changeable(path, before)
    if strict and loose is not None:
        return loose
    if before.st_mode & private:
        return _Wrong(f"others may read it (mode {stat.S_IMODE(before.st_mode):04o})", f"chmod 600 {path_text(path)}")
    data = _whole(handle, limit)
    # an editor may be writing: two equal readings and an unmoved file are a whole one
    if data != _whole(handle, limit) or _state(before) != _state(os.fstat(handle)):
        return _Wrong("it changed while it was read", "try again when it is written")
    return _Read(data, loose)


def _changeable(path: Path, facts: os.stat_result) -> _Wrong | None:
    """Who else could have written an open file: its owner, its group, others, and whoever may write in its folder."""
    if facts.st_uid not in {os.geteuid(), 0}:  # root may write anything anyway
        return _Wrong("it belongs to another user", f"chown {os.geteuid()} {path_text(path)}")
    if facts.st_mode & _OTHERS_WRITE:
        mode = stat.S_IMODE(facts.st_mode)
        return _Wrong(f"others may write to it (mode {mode:04o})", f"chmod go-w {path_text(path)}")
    folder = path.resolve().parent
    around = folder.stat()
    # in a folder like /tmp only the owner may replace a file
    if around.st_mode & _OTHERS_WRITE and not around.st_mode & stat.S_ISVTX:
        mode = stat.S_IMODE(around.st_mode)
        return _Wrong(
            f"others may put another file in its place (mode of the folder {mode:04o})", f"chmod go-w {folder}"
        )
    return None


def _whole(handle: int, limit: int) -> bytes:
    """The file from its start, one byte more than the limit at most."""
    os.lseek(handle, 0, os.SEEK_SET)
    parts: list[bytes] = []
    left = limit + 1
    while left > 0 and (part := os.read(handle, min(left, 65_536))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _state(facts: os.stat_result) -> tuple[int, int, int]:
    return facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns
