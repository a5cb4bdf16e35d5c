"""Read the rules of time from the nodes of a catalog file (the words are in ``hours.py``)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final, TypeVar

import yaml

from holdfast.catalog import hours, yaml_nodes
from holdfast.catalog.hours import DatedEntry, Rules, WeeklyEntry
from holdfast.catalog.yaml_nodes import Mapping, Remarks

T = TypeVar("T")

WEEKLY: Final = {"hours": "hours", "breaks": "break"}
LOCATION_DATED: Final = {"closures": "closure", "extra": "extra"}
RESOURCE_DATED: Final = {"closures": "closure", "extra": "extra", "time_off": "time_off"}


def rules(keys: Mapping, dated: dict[str, str], remarks: Remarks) -> Rules:
    """The rules among the keys of a location, a resource, or a resource's ``at``."""
    weekly = [
        rule for key, kind in WEEKLY.items() if (node := keys.take(key)) for rule in _weekly(node, key, kind, remarks)
    ]
    once = [
        rule
        for key, kind in dated.items()
        if (node := keys.take(key))
        for item in yaml_nodes.items(node, key, remarks)
        if (rule := _dated(item, kind, remarks))
    ]
    return Rules(tuple(sorted(set(weekly))), tuple(sorted(set(once))))


def day(node: yaml.Node, what: str, remarks: Remarks) -> str:
    """A date as it is written; empty after a remark."""
    value = yaml_nodes.text(node, what, remarks)
    return _or_remark(lambda: hours.parse_day(value), node, f"{what} is {value[:40]!r}", remarks) or ""


def _weekly(node: yaml.Node, key: str, kind: str, remarks: Remarks) -> Iterator[WeeklyEntry]:
    # `hours: 09:00-17:00` means every day
    if isinstance(node, yaml.ScalarNode):
        yield from _on_days(list(range(7)), node, kind, remarks)
        return
    for name, value in yaml_nodes.pairs(node, key, remarks):
        days = _or_remark(lambda name=name: hours.parse_weekdays(name.value), name, f"{name.value[:40]!r}", remarks)  # type: ignore[misc]
        for each in value.value if isinstance(value, yaml.SequenceNode) else [value]:
            yield from _on_days(days or [], each, kind, remarks)


def _on_days(days: list[int], node: yaml.Node, kind: str, remarks: Remarks) -> Iterator[WeeklyEntry]:
    said: dict[str, object] = {}
    times_node: yaml.Node | None = node
    if isinstance(node, yaml.MappingNode):
        keys = Mapping(node, "these hours", remarks)
        times_node = keys.take("times")
        for key, field in (("from", "valid_from"), ("until", "valid_until"), ("anchor", "anchor")):
            if value := keys.take(key):
                said[field] = day(value, key, remarks)
        said["every_weeks"] = keys.integer("every_weeks", 1, least=1, most=52)
        keys.finish()
        if said["every_weeks"] != 1 and "anchor" not in said:
            remarks.add(node, "every_weeks needs an anchor: a date in a week that counts.")
    if times_node is None:
        remarks.add(node, "these hours lack their times: write times: 09:00-17:00")
        return
    text = yaml_nodes.text(times_node, "times", remarks)
    for starts, ends in _or_remark(lambda: hours.parse_times(text), times_node, f"{text[:60]!r}", remarks) or []:
        for weekday in days:
            yield replace(WeeklyEntry(kind, weekday, starts, ends), **said)  # type: ignore[arg-type]


def _dated(node: yaml.Node, kind: str, remarks: Remarks) -> DatedEntry | None:
    when: yaml.Node | None = node
    reason = ""
    if isinstance(node, yaml.MappingNode):
        keys = Mapping(node, "this exception", remarks)
        when, reason = keys.take("when"), keys.text("reason", "")
        keys.finish()
    if when is None:
        remarks.add(node, "this exception lacks `when`: a date, or two with ` to ` between.")
        return None
    text = yaml_nodes.text(when, "when", remarks)
    span = _or_remark(lambda: hours.parse_when(text), when, f"{text[:60]!r}", remarks)
    return DatedEntry(kind, *span, reason) if span else None


def _or_remark(parse: Callable[[], T], node: yaml.Node, what: str, remarks: Remarks) -> T | None:
    try:
        return parse()
    except ValueError as error:
        remarks.add(node, f"{what}: {error}.")
        return None
