"""The picture of the rooms in docs/architecture.md, drawn from the code: `python -m tests.docs.rooms` draws it anew.

Floors are the layers that import-linter holds; an arrow goes from a room to each room it uses directly, but for those
that it reaches through another arrow, so that the picture stays one that can be read.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from tests.docs.blocks import ROOT
from tests.house.measures.imports import graph
from tests.house.measures.source import read

PAGE = ROOT / "docs" / "architecture.md"
_BLOCK = re.compile(r"(?<=```mermaid\n).*?(?=```)", re.DOTALL)
PURE_BELOW = "ports"  # the first floor on which nothing reads, writes, waits, measures or draws by chance


def floors(root: Path = ROOT) -> list[list[str]]:
    """The layers of pyproject.toml, the highest first."""
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    layers = next(one for one in settings["tool"]["importlinter"]["contracts"] if one["id"] == "layers")["layers"]
    return [[name.strip() for name in layer.split("|")] for layer in layers]


def arrows() -> dict[str, set[str]]:
    """Which room uses which, by the imports of their modules."""
    found: dict[str, set[str]] = {}
    for module, targets in graph(read()).items():
        room = module.partition(".")[2].partition(".")[0]
        others = {target.partition(".")[2].partition(".")[0] for target in targets}
        if room and room != "__main__":
            found.setdefault(room, set()).update(others - {room, ""})
    return found


def reduced(edges: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Without arrows that a longer way goes too; the rooms must not run in a circle."""

    def reach(room: str) -> set[str]:
        return {one for other in edges.get(room, ()) for one in {other, *reach(other)}}

    return {
        room: {one for one in others if not any(one in reach(other) for other in others - {one})}
        for room, others in edges.items()
    }


def drawn() -> str:
    """The picture as Mermaid text: rooms from the highest floor down, then the arrows."""
    lines, pure = ["flowchart TD"], False
    for floor in floors():
        pure = pure or PURE_BELOW in floor
        lines += [f"  {room}{':::pure' if pure else ''}" for room in floor]
    edges = reduced(arrows())
    lines += [f"  {room} --> {other}" for room in sorted(edges) for other in sorted(edges[room])]
    return "\n".join([*lines, "  classDef pure fill:#e8f4ea,stroke:#44aa77"]) + "\n"


def wrong_paths(text: str) -> list[str]:
    """Paths in backticks that name no file or folder of the package or the checkout."""
    names = re.findall(r"`([\w./]+(?:\.py|/))`", text)
    bases = (ROOT / "autotrader", ROOT, ROOT / "tests" / "house" / "measures" / "changes")
    return [name for name in names if not any((base / name).exists() for base in bases)]


def main() -> None:
    """Write the picture into its page."""
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(_BLOCK.sub(lambda _: drawn(), text, count=1), encoding="utf-8")


if __name__ == "__main__":
    main()
