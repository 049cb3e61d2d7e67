"""From the texts of the configuration files to one `Config`, or to all its problems."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from solrecd.config.access import AccessReader
from solrecd.config.api import ApiReader
from solrecd.config.cluster import ALONE, check_alone, read_cluster
from solrecd.config.console_kinds import ConsoleKinds
from solrecd.config.consoles import ConsoleReader
from solrecd.config.document import Document, Given, Path, Source, read_document, spell
from solrecd.config.errors import Problems
from solrecd.config.kinds import NO_KINDS, Kinds
from solrecd.config.loki_keys import read_loki
from solrecd.config.model import STAGE_TIMEOUTS, Config, DaemonConfig
from solrecd.config.offload import OffloadConfig
from solrecd.config.offload_keys import read_offload
from solrecd.config.otlp_keys import read_otlp
from solrecd.config.receivers import ReceiverReader
from solrecd.config.schema import DAEMON_KEYS, STAGE_TIMEOUT_KEYS
from solrecd.config.secret_sources import ConfigEnvironment
from solrecd.config.settings import Table, parse_settings
from solrecd.config.tables import TOP_LEVEL
from solrecd.config.values import refusal, suggestion
from solrecd.config.web_keys import read_web

_NOTHING = ConfigEnvironment()


def parse(
    sources: Sequence[Source],
    environment: ConfigEnvironment = _NOTHING,
    *,
    consoles: ConsoleKinds,
    receivers: Kinds = NO_KINDS,
) -> Config:
    """Return the configuration that the files make together.

    No key and no console may be given twice, in one file or in two: the order of files
    never matters.

    Args:
        sources: the files, main file first.
        environment: what secrets are fetched from.
        consoles: the kinds of consoles there are.
        receivers: the kinds of receivers that alerts may have.

    Raises:
        ConfigError: with all problems of all files.
    """
    problems = Problems()
    documents = [
        document
        for source in sources
        if (document := read_document(source, problems)) is not None
    ]
    _check_top_level(documents, problems)
    daemon = _daemon(documents, problems)
    stages = _stages(documents, problems)
    access = AccessReader(environment, problems)
    reader = ConsoleReader(consoles, environment, problems)
    reader.set_defaults(_merged(documents, ("defaults",), problems))
    for document in documents:
        access.read(document, _table(document, ("access",), problems))
        reader.read(document, _table(document, ("console",), problems))
    alerts = ReceiverReader(environment, problems, reader.names, receivers)
    for document in documents:
        alerts.read(document, _table(document, ("alerts",), problems))
    api_table = _merged(documents, ("api",), problems)
    api = ApiReader(environment, problems).read(api_table, access.policy)
    web = read_web(_merged(documents, ("web",), problems), problems)
    loki = read_loki(_merged(documents, ("loki",), problems), environment, problems)
    otlp = read_otlp(_merged(documents, ("otlp",), problems), environment, problems)
    offload_table = _merged(documents, ("offload",), problems)
    offload = read_offload(offload_table, environment, problems)
    cluster = read_cluster(_merged(documents, ("cluster",), problems), problems)
    alone = {name: _merged(documents, (name,), Problems()) for name in ALONE}
    check_alone(cluster, alone, problems)
    problems.raise_any()
    return Config(
        daemon=daemon,
        api=api,
        web=web,
        access=access.policy,
        consoles=MappingProxyType(reader.consoles),
        stages=stages,
        alerts=MappingProxyType(alerts.receivers),
        loki=loki,
        otlp=otlp,
        offload=offload,
        cluster=cluster,
    )


def parse_offload(
    sources: Sequence[Source], environment: ConfigEnvironment
) -> OffloadConfig | None:
    """Return the ``[offload]`` of configuration files, whatever else is in them.

    Raises:
        ConfigError: it is wrong.
    """
    problems = Problems()
    read = [read_document(source, problems) for source in sources]
    documents = [each for each in read if each is not None]
    table = _merged(documents, ("offload",), problems)
    found = read_offload(table, environment, problems)
    problems.raise_any()
    return found


def _check_top_level(documents: Iterable[Document], problems: Problems) -> None:
    allowed = TOP_LEVEL
    for document in documents:
        for key in document.tables.keys() - set(allowed):
            hint = suggestion(key, allowed)
            problems.add(document.problem((key,), f"unknown table; {hint}"))


def _table(document: Document, path: Path, problems: Problems) -> Mapping[str, Any]:
    """Return the table at a path; an empty one when it is absent or no table."""
    table: Any = document.tables
    for depth, part in enumerate(path, 1):
        table = table.get(part, {})
        if not isinstance(table, dict):
            error = refusal(table, f"a table, [{spell(path[:depth])}]")
            problems.add(document.problem(path[:depth], str(error)))
            return {}
    return table if isinstance(table, dict) else {}


def _merged(documents: Iterable[Document], path: Path, problems: Problems) -> Table:
    """Return one table out of those of all files; a key may be in one file only."""
    merged: dict[str, Given] = {}
    for document in documents:
        for key, value in _table(document, path, problems).items():
            given = Given(value, document, (*path, key))
            first = merged.setdefault(key, given)
            if first is not given:
                place = first.document.place_of(first.path)
                problems.add(given.problem(f"is already given at {place}"))
    return merged


def _daemon(documents: Sequence[Document], problems: Problems) -> DaemonConfig:
    table = _merged(documents, ("daemon",), problems)
    settings = parse_settings(table, DAEMON_KEYS, problems)
    return DaemonConfig(**{key: one.value for key, one in settings.items()})


def _stages(documents: Sequence[Document], problems: Problems) -> Mapping[str, float]:
    for document in documents:
        for key in _table(document, ("stages",), problems).keys() - {"timeout"}:
            text = "unknown key; allowed: timeout"
            problems.add(document.problem(("stages", key), text))
    table = _merged(documents, ("stages", "timeout"), problems)
    settings = parse_settings(table, STAGE_TIMEOUT_KEYS, problems)
    given = {key: setting.value for key, setting in settings.items()}
    limits = {**STAGE_TIMEOUTS, **given}
    return MappingProxyType({k: limit for k, limit in limits.items() if limit})
