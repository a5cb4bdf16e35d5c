"""What can be booked, and its rules, as the engine takes them: made from the record's one document, kept by version.

Where nothing is said, everything is open: a location without opening hours never closes, a resource without hours of
its own serves whenever its location is open. So a clinic of ten lines can be booked at once, and each rule takes away.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any, Final

from holdfast.access.model import PUBLIC_SURFACES, SURFACES
from holdfast.availability.model import Assignment, Lead, Location, Pool, Ranking, Requirement, Resource, Service
from holdfast.availability.rules import Dated, Timetable, Weekly, holiday_closures
from holdfast.errors import Invalid, NotFound, said

Document = Mapping[str, Any]

ALWAYS: Final = tuple(Weekly(weekday, time(0), time(0)) for weekday in range(7))
# What a surface may book when its service says nothing: strangers from now on and for a year, staff whatever the
# record accepts (a year back, for what was not written down at the time, and three ahead).
PUBLIC_LEAD: Final = Lead(0, 365)
STAFF_LEAD: Final = Lead(-366 * 1440, 1095)
STAFF_LEADS: Final = dict.fromkeys((*SURFACES, "system"), STAFF_LEAD)
HOLIDAY_YEARS: Final = range(-1, 5)


@dataclass(frozen=True)
class Catalog:
    """One version of what an organization offers. Ids are text; ``offered`` has the locations of each service.

    ``broken`` has the services that cannot be booked as they stand, each with the Invalid that says what to mend.
    """

    version: int
    assign: Assignment
    rank: Ranking
    locations: Mapping[str, Location]
    resources: Mapping[str, Resource]
    services: Mapping[str, Service]
    offered: Mapping[str, frozenset[str]]
    broken: Mapping[str, Invalid]
    slugs: Mapping[tuple[str, str], str] = field(repr=False)

    def service(self, service_id: str) -> Service:
        """Raises NotFound for one that is not sold, Invalid for one that cannot be booked as it stands."""
        if service_id in self.broken:
            broken = self.broken[service_id]
            raise Invalid(broken.detail, **broken.facts)
        if service_id not in self.services:
            raise NotFound("There is no such service, or it is no longer sold.", field="service")
        return self.services[service_id]


def read_catalog(document: Document) -> Catalog:
    """The catalog in a document of the query ``catalog``."""
    timetables = _Timetables(document)
    year = int(document["year"])
    resources = {each["id"]: _resource(each, timetables) for each in document["resources"]}
    services: dict[str, Service] = {}
    broken: dict[str, Invalid] = {}
    for each in document["services"]:
        try:
            services[each["id"]] = _service(each)
        except Invalid as invalid:
            broken[each["id"]] = invalid
    return Catalog(
        version=document["version"],
        assign=document["assign"],
        rank=document["rank"],
        locations={each["id"]: _location(each, timetables, year) for each in document["locations"]},
        resources=resources,
        services=services,
        offered={each["id"]: frozenset(each["locations"]) for each in document["services"]},
        broken=broken,
        slugs={
            (kind, each["slug"]): each["id"]
            for kind in ("location", "resource", "service")
            for each in document[f"{kind}s"]
        },
    )


class _Timetables:
    """The rules by whom they belong to: (location, None), (None, resource) or (location, resource)."""

    def __init__(self, document: Document) -> None:
        self._rules: dict[tuple[str | None, str | None], dict[str, list[Any]]] = {}
        for row in document["weekly"]:
            self._of(row).setdefault(row["kind"], []).append(_weekly(row))
        for row in document["dated"]:
            self._of(row).setdefault(row["kind"], []).append(_dated(row))

    def location(self, location_id: str, closures: Iterable[Dated]) -> Timetable:
        rules = self._rules.get((location_id, None), {})
        return _timetable([rules, {"closure": list(closures)}])

    def resource(self, resource_id: str, location_id: str) -> Timetable | None:
        own, here = (self._rules.get(key, {}) for key in ((None, resource_id), (location_id, resource_id)))
        if not own and not here:
            return None
        if "hours" in here:
            # hours at this place are instead of the general ones; whatever takes time away, or adds a day, adds up
            own = {kind: rules for kind, rules in own.items() if kind != "hours"}
        return _timetable([own, here])

    def _of(self, row: Document) -> dict[str, list[Any]]:
        return self._rules.setdefault((row["location_id"], row["resource_id"]), {})


def _timetable(rules: list[dict[str, list[Any]]]) -> Timetable:
    def every(kind: str) -> tuple[Any, ...]:
        return tuple(rule for each in rules for rule in each.get(kind, ()))

    return Timetable(every("hours") or ALWAYS, every("break"), every("closure"), every("extra"), every("time_off"))


def _weekly(row: Document) -> Weekly:
    return Weekly(
        weekday=row["weekday"],
        starts=time.fromisoformat(row["starts"]),
        ends=time.fromisoformat(row["ends"]),
        valid_from=_day(row["valid_from"]),
        valid_until=_day(row["valid_until"]),
        every_weeks=row["every_weeks"],
        anchor=_day(row["anchor"]),
    )


def _dated(row: Document) -> Dated:
    return Dated(datetime.fromisoformat(row["starts"]), datetime.fromisoformat(row["ends"]))


def _location(row: Document, timetables: _Timetables, year: int) -> Location:
    closures: tuple[Dated, ...] = ()
    if row["country"] is not None:
        closures = holiday_closures(row["country"], row["region"], [year + n for n in HOLIDAY_YEARS])
    return Location(row["id"], row["zone"], timetables.location(row["id"], closures))


def _resource(row: Document, timetables: _Timetables) -> Resource:
    return Resource(
        id=row["id"],
        kind=row["kind"],
        units=tuple(row["units"]),
        timetables={location_id: timetables.resource(row["id"], location_id) for location_id in row["locations"]},
        attributes={name: _day(good_until) for name, good_until in row["attributes"].items()},
        visits_per_day=row["visits_per_day"],
    )


def _service(row: Document) -> Service:
    if not row["requirements"]:
        raise Invalid(
            said(
                "The service {service!r} requires no provider, room or device yet: give it a requirement.",
                service=row["slug"],
            ),
            field="requirements",
            reason="nothing_required",
        )
    for need in row["requirements"]:
        if not need["members"]:
            raise Invalid(
                said(
                    "The pool {pool!r} of role {role!r} is empty: put a resource in it.",
                    pool=need["pool"],
                    role=need["role"],
                ),
                field="pool",
                reason="nobody_serves_role",
                role=need["role"],
            )
    leads = {surface: Lead(notice, horizon) for surface, (notice, horizon) in row["leads"].items()}
    return Service(
        id=row["id"],
        length_minutes=row["length"],
        requirements=tuple(_requirement(need) for need in row["requirements"]),
        grid_minutes=row["grid"],
        off_grid_after_claims=row["off_grid_after_claims"],
        lead=PUBLIC_LEAD,
        lead_by_surface={
            **{surface: lead for surface, lead in STAFF_LEADS.items() if surface not in PUBLIC_SURFACES},
            **leads,
        },
    )


def _requirement(row: Document) -> Requirement:
    return Requirement(
        role=row["role"],
        pool=Pool(tuple(row["members"]), frozenset(row["requires"])),
        length_minutes=row["length"],
        offset_minutes=row["offset"],
        quantity=row["quantity"],
        buffer_before_minutes=row["before"],
        buffer_after_minutes=row["after"],
    )


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
