"""Safe reading of what users hand us: rule files, folders of them, the account file, secrets.

A path is opened without blocking (a FIFO must not hang the service), the open file is judged, not its name, and what
is judged is what is read (order-safety §4). In a folder only regular `*.yaml` and `*.yml` files count that are not
hidden and not rule tests; a link inside a folder is refused, a path that the user names may be one.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from autotrader.errors import ConfigError
from autotrader.language.problems import Problem
from autotrader.language.tree import Place
from autotrader.language.yaml_text import MAX_BYTES

ACCOUNT_FILE = "autotrader.yaml"
STDIN = "-"
MAX_FILES = 1_000
MAX_SECRET_BYTES = 16 * 1024
_RULE_FILE = re.compile(r"^(?!\.)(?!.*\.test\.ya?ml$).*\.ya?ml$")


@dataclass(frozen=True, slots=True)
class Sources:
    """What was read: name as shown to the user -> content; and what could not be read."""

    texts: Mapping[str, bytes]
    problems: tuple[Problem, ...] = field(default=())


def read_sources(paths: Sequence[str], *, strict_permissions: bool = False) -> Sources:
    """Read files, folders and `-` (standard input). Never raises for a bad path: it becomes a problem (AT001).

    `strict_permissions` (live): files that others could have changed are refused.
    """
    texts: dict[str, bytes] = {}
    problems: list[Problem] = []
    for path in paths:
        if path == STDIN:
            texts["<stdin>"] = sys.stdin.buffer.read(MAX_BYTES + 1)
            continue
        target = Path(path)
        if target.is_dir():
            _read_folder(target, texts, problems, strict=strict_permissions)
        else:
            _read_one(target, texts, problems, links=True, strict=strict_permissions)
    return Sources(texts, tuple(problems))


def included(account_file: Path, patterns: Iterable[str], *, strict_permissions: bool = False) -> Sources:
    """Read the rule files that the account file's `include` names, relative to its folder."""
    texts: dict[str, bytes] = {}
    problems: list[Problem] = []
    for pattern in patterns:
        if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
            problems.append(
                _problem(
                    str(account_file),
                    f"`include: {pattern}` leaves the folder of the account file",
                    "name files below it, such as `rules/*.yaml`",
                )
            )
            continue
        found = sorted(path for path in account_file.parent.glob(pattern) if _RULE_FILE.match(path.name))
        if not found:
            problems.append(_problem(str(account_file), f"`include: {pattern}` matches no file", severity="warning"))
        for path in found:
            _read_one(path, texts, problems, links=False, strict=strict_permissions)
    return Sources(texts, tuple(problems))


def find_account_file(start: Path) -> Path | None:
    """The nearest autotrader.yaml in a folder or above it."""
    folder = start.resolve()
    for each in (folder, *folder.parents):
        if (each / ACCOUNT_FILE).is_file():
            return each / ACCOUNT_FILE
    return None


def read_account_file(path: Path, *, strict_permissions: bool = False) -> bytes:
    """The account file's bytes. Raises ConfigError."""
    data = _bytes_of(path, MAX_BYTES, links=True, strict=strict_permissions)
    if isinstance(data, str):
        raise ConfigError(f"{path}: {data}")
    return data


def read_secret(path: Path) -> str:
    """A secret from a file of its own that nobody else may read (mode 0600). Raises ConfigError, never with content."""
    data = _bytes_of(path, MAX_SECRET_BYTES, links=True, strict=True, private=True)
    if isinstance(data, str):
        raise ConfigError(f"secret file {path}: {data}", hint=f"chmod 600 {path}")
    try:
        text = data.decode("ascii").strip()
    except UnicodeDecodeError:
        text = ""
    if not text:
        raise ConfigError(f"secret file {path} holds no ASCII text")
    return text


def _read_folder(folder: Path, texts: dict[str, bytes], problems: list[Problem], *, strict: bool) -> None:
    found: list[Path] = []
    for base, folders, names in os.walk(folder, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(base) / name for name in sorted(names) if _RULE_FILE.match(name)]
        if len(found) > MAX_FILES:
            problems.append(_problem(str(folder), f"more than {MAX_FILES:,} rule files", "name a smaller folder"))
            return
    if not found:
        problems.append(_problem(str(folder), "no rule files (*.yaml, *.yml) in this folder", severity="warning"))
    for path in found:
        _read_one(path, texts, problems, links=False, strict=strict)


def _read_one(path: Path, texts: dict[str, bytes], problems: list[Problem], *, links: bool, strict: bool) -> None:
    data = _bytes_of(path, MAX_BYTES, links=links, strict=strict)
    if isinstance(data, str):
        problems.append(_problem(str(path), data))
    else:
        texts[str(path)] = data


def _bytes_of(path: Path, limit: int, *, links: bool, strict: bool, private: bool = False) -> bytes | str:
    """The file's bytes (one more than the limit at most, which tells that it is too long), or what is wrong."""
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY | (0 if links else os.O_NOFOLLOW)
    try:
        handle = os.open(path, flags)
    except FileNotFoundError:
        return "no such file or folder"
    except OSError as error:
        return (
            "a link, which is not followed inside a folder" if path.is_symlink() and not links else f"{error.strerror}"
        )
    except ValueError:
        return "not a usable path"
    try:
        return _judged(handle, limit, strict=strict, private=private)
    except OSError as error:
        return f"{error.strerror}"
    finally:
        os.close(handle)


def _judged(handle: int, limit: int, *, strict: bool, private: bool) -> bytes | str:
    before = os.fstat(handle)
    if not stat.S_ISREG(before.st_mode):
        return "not a regular file"
    if strict and before.st_uid not in {os.geteuid(), 0}:
        return "it belongs to another user"
    if strict and before.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return f"others may write to it (mode {stat.S_IMODE(before.st_mode):04o})"
    if private and before.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return f"others may read it (mode {stat.S_IMODE(before.st_mode):04o})"
    parts: list[bytes] = []
    left = limit + 1
    while left > 0 and (part := os.read(handle, min(left, 65_536))):
        parts.append(part)
        left -= len(part)
    after = os.fstat(handle)
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        return "it changed while it was read; try again"
    return b"".join(parts)


def _problem(file: str, message: str, hint: str = "", *, severity: str = "error") -> Problem:
    return Problem(
        code="AT001",
        place=Place(file, 1, 1),
        message=message,
        hint=hint,
        severity="warning" if severity == "warning" else "error",
    )
