"""Options that commands share, as decorators: put them under `@click.command()`.

@click.command()
@format_option            # `output`: "text" | "json"   (also --color)
@base_url_option          # `base_url`: str | None
@config_option            # `config`: Path | None
@state_option             # `state`: Path | None
def command(...) -> int:  # the exit code; None = 0
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from autotrader.cli._output import choose_color

F = TypeVar("F", bound=Callable[..., Any])


def _on_color(_ctx: click.Context, _param: click.Parameter, value: str | None) -> None:
    if value in {"auto", "always", "never"}:
        choose_color(value)  # type: ignore[arg-type]  # one of the three literals


def color_option(command: F) -> F:
    """`--color auto|always|never`; passes nothing on."""
    return click.option(
        "--color",
        type=click.Choice(["auto", "always", "never"]),
        expose_value=False,
        is_eager=True,
        callback=_on_color,
        help="Colour: auto (a terminal, NO_COLOR, FORCE_COLOR), always or never.",
    )(command)


def formats(*names: str) -> Callable[[F], F]:
    """`--format` with these choices (the first is the default) as `output`, and `--color`."""

    def decorate(command: F) -> F:
        option = click.option(
            "--format",
            "output",
            type=click.Choice(names),
            default=names[0],
            show_default=True,
            help="How to print the result.",
        )
        return option(color_option(command))

    return decorate


def format_option(command: F) -> F:
    """`--format text|json` as `output`, and `--color`."""
    return formats("text", "json")(command)


def base_url_option(command: F) -> F:
    """`--base-url URL` as `base_url`: str | None. The exchange client checks which hosts are allowed."""
    return click.option(
        "--base-url", metavar="URL", help="The exchange: http on this machine, or one of the venue's https hosts."
    )(command)


def _path(*, file_okay: bool = True, dir_okay: bool = True) -> click.Path:
    from pathlib import Path  # `--help` itself takes no path, and pathlib brings urllib along

    return click.Path(path_type=Path, file_okay=file_okay, dir_okay=dir_okay)


def config_option(command: F) -> F:
    """`--config FILE` as `config`: Path | None (None: `autotrader.yaml`, looked for upward from here)."""
    return click.option(
        "--config",
        type=_path(dir_okay=False),
        metavar="FILE",
        help="The account file; else autotrader.yaml here or in a folder above.",
    )(command)


def state_option(command: F) -> F:
    """`--state DIR` as `state`: Path | None (None: see `_folders.folders`)."""
    return click.option(
        "--state",
        type=_path(file_okay=False),
        metavar="DIR",
        help="Where records and state are kept.",
    )(command)
