"""Draws the pictures of the docs from what the commands really print: `.venv/bin/python -m tests.docs.pictures`.

Each picture is a function that sets a scene (a file with mistakes; the first two hours of the demo's day, in stepped
time), runs the installed command as a process of its own and gives its coloured text. `test_pictures` runs the same
functions and compares texts, so no picture goes stale. Scenes hold nothing that varies; the one thing that does, the
milliseconds that `validate` took, is left out. The SVG names no font to load: GitHub would not load it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from html import escape, unescape
from io import StringIO
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs" / "pictures"
MINUTES = 130
AT = "2018-01-25T02:07"
_TOOK = re.compile(r" \(\d+ ms\)")
_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
_TEXT = re.compile(r'<text class="[^"]*" x="([0-9.]+)" y="([0-9.]+)"[^>]*>(.*?)</text>')
_CELL = 12.2  # rich draws a character 12.2 units wide: its height of 20 by its ratio of 0.61

_FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace"
_FORMAT = (
    """<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" role="img">
<style>
.{unique_id}-matrix {{ font-family: FONTS; font-size: {char_height}px; white-space: pre; }}
.{unique_id}-title {{ font-family: sans-serif; font-size: 18px; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
).replace("FONTS", _FONTS)


def run(arguments: Sequence[str], folder: Path, environ: Mapping[str, str] | None = None) -> str:
    """What a command prints on a colour terminal, behind the line that a user types."""
    command = [str(ROOT / ".venv" / "bin" / "autotrader"), *arguments]
    if not Path(command[0]).exists():
        command = [sys.executable, "-m", "autotrader", *arguments]
    settings = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(ROOT), "FORCE_COLOR": "1"}
    done = subprocess.run(
        command, cwd=folder, env=settings | dict(environ or {}), capture_output=True, text=True, timeout=60, check=False
    )
    return _TOOK.sub("", done.stdout + done.stderr)


def typed(line: str) -> str:
    """The line that a user types."""
    return f"\x1b[32m$\x1b[0m \x1b[1m{line}\x1b[0m\n"


def validate(folder: Path) -> str:
    """Mistakes of one file, all at once."""
    (folder / "rules").mkdir()
    shutil.copyfile(PICTURES / "broken.yaml", folder / "rules" / "dip.yaml")
    return typed("autotrader validate rules/") + run(["validate", "rules/"], folder)


def why(folder: Path) -> str:
    """A rule that fired and one that did not, at the same minute of the demo's day."""
    from autotrader.demo import fresh_folder, stage
    from autotrader.service.notify import Notices
    from autotrader.service.runner import RunMode, Runner

    demo = fresh_folder(folder / "autotrader-demo")
    with stage(demo, lambda _: Notices({}, "log")) as on:
        on.world.start()
        Runner(on.world, RunMode(until_ms=on.began_ms + MINUTES * 60_000, stepped=True)).run()
    shown = ""
    for rule in ("buy_the_dip", "crash_buy"):
        shown += typed(f"autotrader why {rule} --at {AT}")
        shown += run(["why", rule, "--at", AT, "--state", str(demo / "state")], folder) + "\n"
    return shown.rstrip("\n") + "\n"


SCENES: Mapping[str, Callable[[Path], str]] = {"validate": validate, "why": why}


def plain(coloured: str) -> list[str]:
    """The lines of a terminal's text, without colours and without blanks at their ends."""
    return [line.rstrip() for line in _ESCAPES.sub("", coloured).rstrip("\n").split("\n")]


def drawn(name: str, coloured: str) -> str:
    """The text as an SVG picture of a terminal."""
    from rich.console import Console
    from rich.terminal_theme import TerminalTheme
    from rich.text import Text

    red, green, yellow, blue = (224, 88, 88), (87, 171, 90), (198, 144, 38), (83, 155, 245)
    colours = [red, green, yellow, blue, (176, 131, 240), (57, 197, 207)]
    paper, ink = (22, 27, 34), (201, 209, 217)
    theme = TerminalTheme(paper, ink, [(12, 12, 12), *colours, ink], [(110, 118, 129), *colours, (255, 255, 255)])
    text = Text.from_ansi(coloured.rstrip("\n"))
    width = max(line.cell_len for line in text.split("\n")) + 1
    console = Console(record=True, width=width, file=StringIO(), force_terminal=True, color_system="truecolor")
    console.print(text, no_wrap=True, overflow="ignore", crop=False)
    svg = console.export_svg(title="", theme=theme, code_format=_FORMAT, unique_id=name)
    return "\n".join(line.rstrip() for line in _TEXT.sub(_without_edges, svg).split("\n"))


def _without_edges(found: re.Match[str]) -> str:
    """A piece of text without blanks at its ends, moved accordingly: viewers differ in what they do with those."""
    words = unescape(found[3]).replace("\xa0", " ")
    kept = words.strip()
    x = float(found[1]) + _CELL * (len(words) - len(words.lstrip(" ")))
    clip = found[0].partition("clip-path=")[2].split('"')[1]
    name = found[0].split('"')[1]
    inner = escape(kept, quote=False).replace(" ", "&#160;")
    length = f'textLength="{_CELL * len(kept):g}" clip-path="{clip}"'
    return f'<text class="{name}" x="{x:g}" y="{found[2]}" {length}>{inner}</text>' if kept else ""


def read(svg: str) -> list[str]:
    """The text that a picture shows, line by line."""
    lines: dict[float, list[tuple[int, str]]] = {}
    for x, y, inner in _TEXT.findall(svg):
        lines.setdefault(float(y), []).append((round(float(x) / _CELL), unescape(inner).replace("\xa0", " ")))
    result = []
    for _, parts in sorted(lines.items()):
        line = ""
        for column, part in sorted(parts):
            line = line.ljust(column) + part
        result.append(line.rstrip())
    return result


def main() -> None:
    """Draw all pictures anew."""
    for name, scene in SCENES.items():
        with tempfile.TemporaryDirectory() as folder:
            (PICTURES / f"{name}.svg").write_text(drawn(name, scene(Path(folder))), encoding="utf-8")


if __name__ == "__main__":
    main()
