"""Random clinics, small enough for the oracle and mean enough for the engine. One seed, one case."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta

from holdfast import wallclock
from holdfast.availability.model import (
    Claim,
    Lead,
    Location,
    Pool,
    Request,
    Requirement,
    Resource,
    Service,
    Snapshot,
)
from holdfast.availability.rules import Dated, Timetable, Weekly

CHANGES = [
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 3, 8, 7, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 1, 6, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 3, 29, 1, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    ("Antarctica/Troll", datetime(2026, 3, 29, 1, tzinfo=UTC)),
    ("Antarctica/Troll", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    ("Africa/Cairo", datetime(2026, 4, 23, 22, tzinfo=UTC)),
    ("Africa/Cairo", datetime(2026, 10, 29, 21, tzinfo=UTC)),
    ("America/Santiago", datetime(2026, 4, 5, 3, tzinfo=UTC)),
    ("America/Santiago", datetime(2026, 9, 6, 4, tzinfo=UTC)),
    ("Africa/Casablanca", datetime(2026, 2, 15, 2, tzinfo=UTC)),
    ("Africa/Casablanca", datetime(2026, 3, 22, 2, tzinfo=UTC)),
    ("America/St_Johns", datetime(2026, 11, 1, 4, 30, tzinfo=UTC)),
    ("Pacific/Kiritimati", datetime(2026, 2, 28, 10, tzinfo=UTC)),
    ("Asia/Kathmandu", datetime(2028, 2, 28, 18, 15, tzinfo=UTC)),
]


class Case:
    def __init__(self, seed: int) -> None:
        self.rng = rng = random.Random(seed)
        self.zone, change = rng.choice(CHANGES)
        self.start = change + timedelta(minutes=rng.randint(-1080, 360), seconds=rng.choice([0, 0, 0, 7]))
        self.until = self.start + timedelta(minutes=rng.choice([240, 480, 960, 1500]))
        self.today = wallclock.local_date(change, self.zone)
        resources = {
            f"{kind}{number}": self.resource(kind, number)
            for kind, most in (("provider", 5), ("room", 3), ("device", 3))
            for number in range(rng.randint(2, most))
        }
        # roles of the same name in several services: what is named for one may not be in the pool of the other
        self.names_are_shared = rng.random() < 0.3
        self.pools: list[list[str]] = []
        services = {f"s{number}": self.service(f"s{number}", resources) for number in range(rng.randint(1, 3))}
        self.snapshot = Snapshot(
            now=self.start + timedelta(minutes=rng.choice([-5000, -4000, -90, 45]), seconds=rng.choice([0, 11])),
            locations={"here": Location("here", self.zone, self.timetable(rng.choice([0.7, 1.0])))},
            resources=resources,
            services=services,
            claims={unit: self.claims() for resource in resources.values() for unit in resource.units},
        )
        self.request = self.ask(services)

    def resource(self, kind: str, number: int) -> Resource:
        rng = self.rng
        name = f"{kind}{number}"
        return Resource(
            id=name,
            kind=kind,
            units=tuple(f"{name}.{unit}" for unit in range(rng.choice([1, 1, 1, 2, 3]))),
            timetables={} if rng.random() < 0.03 else {"here": None if rng.random() < 0.7 else self.timetable(1.0)},
            attributes={
                skill: rng.choice([None, self.today - timedelta(days=1), self.today])
                for skill in ("laser", "filler")
                if rng.random() < 0.8
            },
            visits_per_day=rng.choice([None] * 8 + [0, 1, 3, 6]),
            last_taken_at=rng.choice([None, self.start - timedelta(minutes=rng.randrange(5000))]),
        )

    def service(self, name: str, resources: dict[str, Resource]) -> Service:
        rng = self.rng
        prefix = "" if self.names_are_shared else name
        needs = self.puzzle(prefix, resources) if rng.random() < 0.2 else self.needs(prefix, resources)
        return Service(
            id=name,
            length_minutes=max(1, *(need.segment_ends for need in needs)) + rng.choice([0, 0, 10]),
            requirements=tuple(needs),
            grid_minutes=rng.choice([5, 10, 15, 20, 30, 50, 60]),
            off_grid_after_claims=rng.random() < 0.2,
            lead=Lead(rng.choice([0, 0, 60]), rng.choice([365, 365, 365, 0, 1, 4])),
            lead_by_surface={"online": Lead(rng.choice([0, 120]))},
        )

    def puzzle(self, name: str, resources: dict[str, Resource]) -> list[Requirement]:
        """Short roles one after the other beside a long one, all of them after the same two or three resources."""
        rng = self.rng
        few = rng.sample(sorted(resources), k=3)
        short = [
            Requirement(f"{name}r{number}", Pool(tuple(rng.sample(few, k=rng.randint(1, 2)))), 15, 15 * number)
            for number in range(rng.randint(2, 3))
        ]
        return [*short, Requirement(f"{name}r9", Pool(tuple(rng.sample(few, k=2))), 15 * len(short))]

    def needs(self, name: str, resources: dict[str, Resource]) -> list[Requirement]:
        rng = self.rng
        needs: list[Requirement] = []
        for number in range(rng.choice([1, 1, 2, 2, 3, 4])):
            members = rng.sample(sorted(resources), k=min(len(resources), rng.randint(1, 5)))
            if self.pools and rng.random() < 0.4:
                members = rng.choice(self.pools)
            self.pools.append(members)
            needs.append(
                Requirement(
                    role=f"{name}r{number}",
                    pool=Pool(tuple(members), frozenset(["laser"] if rng.random() < 0.15 else [])),
                    length_minutes=rng.choice([1, 5, 15, 30, 45]),
                    offset_minutes=rng.choice([0, 0, 0, 10, 15, 30]) if rng.random() < 0.95 else -25,
                    quantity=rng.choice([1] * 8 + [2, 3]),
                    buffer_before_minutes=rng.choice([0, 0, 5, 20]),
                    buffer_after_minutes=rng.choice([0, 0, 10, 15]),
                )
            )
        return needs

    def timetable(self, openness: float) -> Timetable:
        rng = self.rng
        hours = [self.weekly(day, 420, 900) for day in range(7) if rng.random() < openness]
        hours += [self.weekly(day, 120, 360) for day in range(7) if rng.random() < 0.2]
        hours += [Weekly(day, time(0), time(0)) for day in range(7) if rng.random() < openness - 0.4]
        return Timetable(
            hours=tuple(hours),
            breaks=tuple(self.weekly(day, 15, 90) for day in range(7) if rng.random() < 0.3),
            closures=tuple(self.dated() for _ in range(rng.choice([0, 0, 0, 1]))),
            extra=tuple(self.dated() for _ in range(rng.choice([0, 0, 1]))),
            time_off=tuple(self.dated() for _ in range(rng.choice([0, 0, 0, 1]))),
        )

    def weekly(self, weekday: int, shortest: int, longest: int) -> Weekly:
        """Anywhere in the day, over midnight too, and often in the small hours, where the clocks change."""
        rng = self.rng
        starts = rng.choice([rng.randrange(0, 240, 15), rng.randrange(0, 1440, 5)])
        ends = (starts + rng.randrange(shortest, longest)) % 1440
        rule = Weekly(weekday, time(*divmod(starts, 60)), time(*divmod(ends, 60)))
        if rng.random() < 0.1:
            rule = Weekly(weekday, rule.starts, rule.ends, every_weeks=2, anchor=self.some_day())
        elif rng.random() < 0.1:
            rule = Weekly(weekday, rule.starts, rule.ends, valid_from=self.some_day())
        elif rng.random() < 0.1:
            rule = Weekly(weekday, rule.starts, rule.ends, valid_until=self.some_day())
        return rule

    def dated(self) -> Dated:
        rng = self.rng
        if rng.random() < 0.4:
            first = self.some_day()
            return Dated.days(first, first + timedelta(days=rng.randint(0, 1)))
        starts = datetime.combine(self.some_day(), time(rng.randrange(24), rng.choice([0, 30])))
        return Dated(starts, starts + timedelta(minutes=rng.randrange(30, 900, 15)))

    def some_day(self) -> date:
        return self.today + timedelta(days=self.rng.randint(-3, 3))

    def claims(self) -> list[Claim]:
        """Claims on one unit never overlap: the record's constraint sees to that, even to the second."""
        rng = self.rng
        found = []
        at = self.start - timedelta(minutes=rng.randint(0, 2000))
        while at < self.until + timedelta(minutes=600):
            at += timedelta(minutes=rng.choice([0, 0, 15, 60, 300]), seconds=rng.choice([0, 0, 0, 1, 30]))
            end = at + timedelta(minutes=rng.choice([5, 15, 45, 120]), seconds=rng.choice([0, 0, 0, 59]))
            kind = rng.choice(["appointment", "appointment", "hold", "block", "busy"])
            visit = f"v{rng.randrange(10**6)}" if kind in {"appointment", "hold"} else None
            found.append(Claim(at, end, kind, visit, at + timedelta(minutes=rng.choice([0, 10])) if visit else None))
            at = end
            if rng.random() < 0.6:
                at += timedelta(minutes=rng.randrange(900))
        return found

    def ask(self, services: dict[str, Service]) -> Request:
        rng = self.rng
        wanted = tuple(rng.sample(sorted(services), k=rng.choice([1, min(2, len(services))])))
        if not all(services[name].keeps_to_itself() for name in wanted):
            wanted = wanted[:1]
        needs = [need for name in wanted for need in services[name].requirements]
        need = rng.choice(needs)
        by_name = rng.choice(["", "", "", "", "", "", "role", "person"])
        return Request(
            location="here",
            services=wanted,
            start=self.start,
            until=self.until,
            surface=rng.choice(["staff", "online"]),
            max_wait_minutes=rng.choice([0, 0, 5, 20]),
            same_provider=rng.choice([False, True, "prefer"]),
            party=rng.choice([1, 1, 1, 1, 1, 2]),
            resources={need.role: rng.choice(need.pool.members)} if by_name == "role" else {},
            # often somebody whom several roles could have
            provider=max(need.pool.members, key=lambda name: sum(name in other.pool.members for other in needs))
            if by_name == "person"
            else None,
            prefer=tuple(rng.sample(need.pool.members, k=1)),
            part_of_day=rng.choice([None, None, None, (time(0), time(12)), (time(1, 30), time(0))]),
            assign=rng.choice(["preference", "least_loaded", "round_robin"]),
            rank=rng.choice(["earliest", "tight"]),
            limit=10_000,
        )
