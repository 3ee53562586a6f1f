"""The command line: words in, calls, exit codes out; it decides nothing itself.

`main` is the only entry. Commands stand in `_table` and are imported when they are used, so that `--help` costs
nothing but click. What a command returns is its exit code; what it raises is explained in one place (`_errors`).
stdout carries the result only.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import signal
import sys
import threading
from collections.abc import Sequence
from typing import Any

import click

from autotrader import __version__
from autotrader.cli import _errors
from autotrader.cli._options import color_option
from autotrader.cli._output import columns
from autotrader.cli._startup import hold_collector, let_collect, without_plugins
from autotrader.cli._table import COMMANDS, FRONT, GROUPS
from autotrader.errors import AutotraderError, SafetyRefused, UsageError
from autotrader.text import did_you_mean

__all__ = ["main"]

MAX_WIDTH = 100  # of help: longer lines read badly
_COMPLETION = "_AUTOTRADER_COMPLETE"  # set by the shell's completion script, see click's manual


class Commands(click.Group):
    """The commands of the table, each imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """All names, in the table's order."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import one command. Raises UsageError where this version lacks it."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        file, _, name = entry.target.partition(":")
        module_name = f"{__name__}.{file}"
        first = module_name not in sys.modules
        without_plugins()
        try:
            module = importlib.import_module(module_name)  # only the command that was asked for
        except ModuleNotFoundError as error:
            if error.name != module_name:
                raise
            raise UsageError(f"`{cmd_name}` is not in this version ({__version__})") from None
        let_collect(keep=first)
        command: click.Command = getattr(module, name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; an unknown word is answered with the nearest known one."""
        word = args[0]
        if word not in COMMANDS and not word.startswith("-"):
            hint = did_you_mean(word, COMMANDS, "`autotrader --help` lists the commands", most=2)
            raise UsageError(f"no such command: `{word}`", hint=hint)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Nine in front with their help, the others by group. With --help-all every one with its help."""
        if ctx.meta.get("all"):
            for group in GROUPS:
                rows = [(name, entry.help) for name, entry in COMMANDS.items() if entry.group == group]
                with formatter.section(group.capitalize()):
                    formatter.write_dl(rows)
            return
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name].help) for name in FRONT])
        with formatter.section("More (autotrader --help-all says what each does)"):
            formatter.write_dl([(group, "  ".join(names)) for group in GROUPS if (names := _behind(group))])


def _behind(group: str) -> list[str]:
    return [name for name, entry in COMMANDS.items() if entry.group == group and name not in FRONT]


def _help_all(ctx: click.Context, _param: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's signature
    if value:
        ctx.meta["all"] = True
        sys.stdout.write(ctx.get_help() + "\n")
        ctx.exit()


@click.group(
    cls=Commands,
    name="autotrader",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": MAX_WIDTH},
    epilog="Nothing trades unless the account file says `mode: live` and the command says --live.",
)
@click.option("--help-all", is_flag=True, is_eager=True, expose_value=False, callback=_help_all, help="All commands.")
@click.option("--debug", is_flag=True, help="Show the details of an internal error.")
@click.version_option(__version__, prog_name="autotrader", message="%(prog)s %(version)s")
@color_option
def root(*, debug: bool) -> None:
    """Declarative trading: YAML rules in, audited orders out."""
    click.get_current_context().find_root().meta["debug"] = debug


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code; never raises, never shows a traceback."""
    words = list(sys.argv[1:] if argv is None else argv)
    hold_collector()  # until the command is imported (`get_command`)
    _lenient(sys.stdout)
    _lenient(sys.stderr)
    try:
        _listen_for_sigterm()
        code = _run(words)
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_stdout()
        return _errors.PIPE
    except (KeyboardInterrupt, _errors.Terminated) as stop:
        return _errors.TERMINATED if isinstance(stop, _errors.Terminated) else _errors.INTERRUPTED
    finally:
        let_collect(keep=False)
    return code


def _run(words: list[str]) -> int:
    as_json, debug = _errors.wants_json(words), "--debug" in words[:3]
    try:
        if _COMPLETION in os.environ:
            root.main(args=words, prog_name="autotrader", complete_var=_COMPLETION)
        # click would ask shutil, whose archive formats take longer to import than all of ours
        wide = max(min(columns(), MAX_WIDTH) - 2, 50)
        with root.make_context("autotrader", words or ["--help"], terminal_width=wide) as context:
            result: Any = root.invoke(context)
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as error:
        return error.exit_code
    except AutotraderError as error:
        return _errors.explain(error, as_json=as_json)
    except (click.Abort, EOFError) as error:
        return _aborted(error, as_json=as_json)
    except click.ClickException as error:
        return _errors.explain_click(error, as_json=as_json)
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - the last net: whatever is left is a mistake of ours, shown as one line
        return _errors.explain_unexpected(error, as_json=as_json, debug=debug)


def _aborted(error: Exception, *, as_json: bool) -> int:
    """Ctrl-C inside a question of click's, an end of input where one was asked, or the answer no."""
    if isinstance(error.__context__, KeyboardInterrupt):
        return _errors.INTERRUPTED
    if isinstance(error, EOFError) or isinstance(error.__context__, EOFError):
        return _errors.explain(UsageError("the input ended before an answer was given"), as_json=as_json)
    return _errors.explain(SafetyRefused("not confirmed, so nothing was done"), as_json=as_json)


def _lenient(stream: object) -> None:
    """Characters that the terminal's encoding lacks are shown as escapes instead of ending the command."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")


def _listen_for_sigterm() -> None:
    """SIGTERM unwinds the command as Ctrl-C does; `run` puts its own handler in place. Only the main thread may."""

    def stop(_number: int, _frame: object) -> None:
        raise _errors.Terminated

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, stop)


def _drop_stdout() -> None:
    """Let the interpreter's last flush of stdout go nowhere, quietly."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
