"""Texts in, plan or problems out: the whole language as one pure function.

Nothing is read here; `files` reads. All problems of all files come back together; a plan only where no error is.
"""

from __future__ import annotations

from collections.abc import Mapping

from autotrader.language.compile import compiled, plan_of
from autotrader.language.compiler import SourceFile
from autotrader.language.lint import lint
from autotrader.language.plan import Plan
from autotrader.language.problems import Problem
from autotrader.language.reading import check
from autotrader.language.render import in_order
from autotrader.language.rule_file import WrittenFile
from autotrader.language.settings import Settings
from autotrader.language.yaml_text import read_document
from autotrader.market.instrument import Instrument


def load(
    texts: Mapping[str, str | bytes],
    settings: Settings | None = None,
    instruments: Mapping[str, Instrument] | None = None,
) -> tuple[Plan | None, tuple[Problem, ...]]:
    """Load rule files: name -> content. Never raises for anything that the texts hold.

    `settings` is the checked account file (without it, defaults, and nothing is compared with it). `instruments` are
    those of the exchange, with filters; without them the dated table of symbols serves and filters are not checked.
    """
    problems: list[Problem] = []
    files: list[SourceFile] = []
    for name, text in texts.items():
        document, found = read_document(name, text)
        checked = check(WrittenFile, document)
        problems += [*found, *checked.problems]
        files.append(SourceFile(document, checked))
    rules, found = compiled(files, settings, instruments)
    problems += [*found, *lint(rules, settings)]
    if any(each.severity == "error" for each in problems):
        return None, in_order(problems)
    sources = {file.document.file: file.document.text for file in files}
    return plan_of(rules, settings or Settings(file=""), sources), in_order(problems)


def sources_of(texts: Mapping[str, str | bytes]) -> dict[str, str]:
    """The texts as they can be shown in excerpts."""
    result = {}
    for name, content in texts.items():
        text = content if isinstance(content, str) else content.decode("utf-8", "replace")
        result[name] = text.removeprefix("\ufeff").replace("\r\n", "\n")
    return result
