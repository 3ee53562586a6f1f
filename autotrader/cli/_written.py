"""The account file as written: every value with its place, without judging it. For `config show` and `doctor`.

Which file: `--config`, else autotrader.yaml here or in a folder above.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from autotrader.errors import ConfigError
from autotrader.files import find_account_file, read_account_file
from autotrader.language.nodes import Map, Node, Scalar, Seq
from autotrader.language.yaml_text import read_document
from autotrader.text import printable


class SourcedText(NamedTuple):
    """One value as text, and where it came from: `file:line`, `default`, a flag or a variable."""

    text: str
    origin: str


def account_file(config: Path | None) -> Path | None:
    """The account file of this process, None where there is none. Raises ConfigError for a named one that is absent."""
    if config is None:
        return find_account_file(Path.cwd())
    if not config.is_file():
        raise ConfigError(f"no account file at {config}", hint="`autotrader init DIR` writes one")
    return config


def written(path: Path) -> dict[str, SourcedText]:
    """Every value of the file under its dotted name. Raises ConfigError for a file that is not YAML as we read it."""
    document, problems = read_document(str(path), read_account_file(path))
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors or document.root is None:
        first = f": {errors[0].message} (line {errors[0].place.line})" if errors else ""
        raise ConfigError(f"{path} cannot be read{first}", hint=f"`autotrader validate {path}` shows every mistake")
    return {name: SourcedText(text, f"{path.name}:{line}") for name, text, line in _flat(document.root)}


def _flat(node: Node, name: str = "") -> Iterator[tuple[str, str, int]]:
    if isinstance(node, Map):
        for key, value in node.entries:
            yield from _flat(value, f"{name}.{key.text}" if name else key.text)
    elif isinstance(node, Seq):
        yield name, f"[{', '.join(_inline(item) for item in node.items)}]", node.line
    else:
        yield name, printable(node.text), node.line


def _inline(node: Node) -> str:
    if isinstance(node, Scalar):
        return printable(node.text)
    return ", ".join(f"{name}: {text}" for name, text, _ in _flat(node))
