"""One place turns whatever ends a command into output and an exit code.

| what                                   | exit |
|----------------------------------------|------|
| AutotraderError                        | its `exit_code` (errors.py) |
| a flag or argument that click refuses  | 2    |
| input that ended before an answer      | 2    |
| a question answered with no            | 4    |
| anything unexpected                    | 70 (EX_SOFTWARE): one line; details in the log folder (--debug: stderr) |
| Ctrl-C                                 | 130  |
| SIGTERM                                | 143  |
| the reader of stdout went away         | 141, silently |

Text goes to stderr as `error: …` and `help: …`; where the command was asked for JSON, stdout carries
`{"format_version": 1, "exit_code": N, "error": {...}}` instead. Never a traceback.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from autotrader.cli._output import emit_json, note, styled
from autotrader.errors import AutotraderError
from autotrader.text import did_you_mean, printable

INTERNAL = 70
USAGE = 2
INTERRUPTED = 130
PIPE = 141
TERMINATED = 143


class Terminated(BaseException):
    """SIGTERM arrived; unwinds like Ctrl-C, so that `finally` blocks run."""


def wants_json(argv: Sequence[str]) -> bool:
    """Whether `--format json` stands in the arguments: read here too, since parsing itself may be what failed."""
    last = ""
    for index, word in enumerate(argv):
        if word == "--":
            break
        if word.startswith("--format="):
            last = word.removeprefix("--format=")
        elif word == "--format" and index + 1 < len(argv):
            last = argv[index + 1]
    return last == "json"


def show_error(message: str, hint: str, exit_code: int, kind: str, *, as_json: bool) -> int:
    """Print one error the way it was asked for; returns the exit code."""
    if as_json:
        return emit_json({"error": {"kind": kind, "message": message, "help": hint}}, exit_code)
    note(f"{styled('error:', 'bold red', sys.stderr)} {_lines(message, 7)}")
    if hint:
        note(f"{styled('help:', 'bold cyan', sys.stderr)} {_lines(hint, 6)}")
    return exit_code


def _lines(text: str, indent: int) -> str:
    """Lines that follow are indented, so that no foreign text can forge a line of ours."""
    return ("\n" + " " * indent).join(printable(line) for line in text.split("\n"))


def explain(error: AutotraderError, *, as_json: bool) -> int:
    """An error of ours: its message, its hint, its code."""
    return show_error(error.message, error.hint, error.exit_code, type(error).__name__, as_json=as_json)


def explain_click(error: click.ClickException, *, as_json: bool) -> int:
    """A refusal of click's, with the nearest known option or command."""
    context: click.Context | None = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":  # click >= 8.2 raises it for `autotrader market` alone
        note(error.format_message())
        return USAGE
    message, hint = error.format_message().removesuffix("."), ""
    if isinstance(error, click.NoSuchOption):
        message = f"no such option: {error.option_name}"
        hint = did_you_mean(error.option_name, _options_of(context), most=2)
    elif message.startswith("No such command") and context is not None:
        word, known = message.split("'")[1], _commands_of(context)
        message = f"no such command: `{context.info_name} {word}`"
        hint = did_you_mean(word, known, f"there are: {', '.join(known)}", most=2)
    if context is not None and not hint:
        hint = f"`{context.command_path} --help` shows how it is used"
    return show_error(message, hint, USAGE, "UsageError", as_json=as_json)


def _commands_of(context: click.Context) -> list[str]:
    return context.command.list_commands(context) if isinstance(context.command, click.Group) else []


def _options_of(context: click.Context | None) -> list[str]:
    if context is None:
        return []
    return [name for param in context.command.get_params(context) for name in param.opts if name.startswith("--")]


def explain_unexpected(error: BaseException, *, as_json: bool, debug: bool) -> int:
    """A mistake in autotrader itself: one line for the person, the details for the report."""
    import traceback  # only a mistake of ours needs it

    details = "".join(traceback.format_exception(error))
    place = "" if debug else _write_report(details)
    if debug:
        note("\n".join(printable(line) for line in _masked(details).splitlines()))
    message = f"internal error: {type(error).__name__} (this is a mistake in autotrader; please report it)"
    hint = f"details are in {place}" if place else "" if debug else "for details: autotrader --debug COMMAND ..."
    return show_error(message, hint, INTERNAL, "InternalError", as_json=as_json)


def _write_report(details: str) -> str:
    """Keep the details where logs are; "" where that is not possible, since an error must not hide the first one."""
    from autotrader.cli._folders import folders  # the same

    try:
        place = folders().logs / "last-error.txt"
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        place.write_text(_masked(details), encoding="utf-8", errors="backslashreplace")
        place.chmod(0o600)
    except OSError:
        return ""
    return str(place)


def _masked(text: str) -> str:
    try:
        from autotrader.service.logs import masked  # the same; and it may be what is broken
    except ImportError:
        return text
    return masked(text)
