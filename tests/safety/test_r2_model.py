"""R2: whatever is done in whatever order, the record and a plain list agree; and the test sees when they would not."""

from __future__ import annotations

import copy
import itertools
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from holdfast.db.urls import DatabaseUrls
from tests.clinic import CLIENT, Refused, at, call, open_clinic, requires
from tests.postgres import superuser_url
from tests.safety.model import EXTENSIONS_MAX, GRACE, TTL, TTL_MAX, Conflict, Holder, Model, Need

RUNS = int(os.environ.get("HOLDFAST_R2_RUNS", "60"))
STEPS = 40

# The clock of the test's database stands still, and moves when the test says so.
CLOCK = """
    create or replace function holdfast.clock() returns timestamptz language sql volatile parallel safe
    return coalesce(nullif(current_setting('holdfast_test.now', true), '')::timestamptz, clock_timestamp())
"""
CLAIMS = """
    select coalesce(k.hold_id, k.block_id, k.busy_id) as holder, k.unit_id, lower(k.during) as start,
           upper(k.during) as stop, k.overbook
    from holdfast.claim k where k.active
"""
SERVICES = {"short": 30, "long": 40}
BLOCKABLE = ("ana", "ben", "device")

starts = st.integers(0, 6).map(lambda n: n * 10)
picks = st.integers(0, 1000)
services = st.sampled_from(sorted(SERVICES))


class Record(RuleBasedStateMachine):
    """Each run is an organization of its own in one database."""

    connection: ClassVar[psycopg.Connection[Any]]
    organizations: ClassVar[Iterator[int]] = itertools.count()

    @initialize()
    def open(self) -> None:
        self.model = Model(now=at(-60 * 24))
        self.set_clock()
        clinic = open_clinic(self.connection, f"run-{next(self.organizations)}")
        self.clinic, self.desk = clinic, clinic.desk
        for provider in ("ana", "ben", "anna"):
            clinic.resource(provider, "provider")
        clinic.resource("device", "device", capacity=1)
        clinic.pool("providers", ["ana", "ben"])
        clinic.pool("devices", ["device"])
        for resource in ("ana", "ben", "anna", "device"):
            self.model.units[resource] = clinic.units(resource)
        self.model.services = {
            "short": {"provider": Need(["ana", "ben"], 0, 30)},
            "long": {"provider": Need(["ana", "ben"], 10, 40, after=10), "device": Need(["device"], 0, 40, before=10)},
        }
        for service in SERVICES:
            self.put_service(service)
        self.visits: dict[UUID, list[Any]] = {}  # appointment -> [state, hold, service]
        self.busies: dict[tuple[str, str], tuple[UUID, datetime, datetime]] = {}
        self.keys: dict[str, str] = {}
        self.merged = False

    def put_service(self, name: str) -> None:
        needs = self.model.services[name]
        self.clinic.service(
            name,
            SERVICES[name],
            *(
                requires(role, f"{role}s", (need.start, need.end), before=need.before, after=need.after)
                for role, need in needs.items()
            ),
        )

    def set_clock(self) -> None:
        self.connection.execute("select set_config('holdfast_test.now', %s, false)", (self.model.now.isoformat(),))

    # -- asking both

    def claims_of(self, answer: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            {
                "role": claim["role"],
                "unit": UUID(claim["unit_id"]),
                "start": datetime.fromisoformat(claim["starts_at"]),
                "end": datetime.fromisoformat(claim["ends_at"]),
                "overbook": claim["overbook"],
            }
            for claim in answer["claims"]
        ]

    def refused(self, function: str, **parameters: Any) -> str | dict[str, Any]:
        """The rule that refused it, or the answer."""
        try:
            return self.desk(function, **parameters)
        except Refused as refused:
            return refused.rule

    def holder(self, id: UUID) -> Holder:
        return next(holder for holder in self.model.holders if holder.id == id)

    def a_hold(self, pick: int) -> Holder:
        """Mostly a live one, of which there are few; at times one that was settled."""
        holds = (pick % 5 and self.of_kind("hold", "live")) or self.of_kind("hold")
        return holds[pick % len(holds)]

    def of_kind(self, kind: str, *states: str) -> list[Holder]:
        return [h for h in self.model.holders if h.kind == kind and (not states or h.state in states)]

    def take(self, function: str, service: str, visit: datetime, *, overbook: bool = False, **more: Any) -> Any:
        """Hold or book on both sides; the answer, or None when both refuse."""
        parameters = {
            "service_id": self.clinic.services[service],
            "location_id": self.clinic.location_id,
            "start": visit,
        }
        answer = self.refused(function, **parameters, **more)
        possible = all(self.model.free(service, visit).values())
        if answer == "slot_is_free":
            assert not possible, "refused though it was free"
            assert not overbook
            return None
        assert isinstance(answer, dict), answer
        hold_id = answer.get("hold_id", answer["id"])
        state = "live" if function == "place_hold" else "confirmed"
        hold = Holder(hold_id, "hold", state, [], self.model.now + TTL, self.model.now)
        self.model.take(hold, service, visit, self.claims_of(answer), overbook=overbook)
        return answer

    def remember(self, answer: Any, service: str) -> None:
        self.visits[answer["id"]] = ["confirmed", answer["hold_id"], service]

    # -- holds

    @rule(service=services, minutes=starts)
    def hold(self, service: str, minutes: int) -> None:
        self.take("place_hold", service, at(minutes))

    @rule(service=services, minutes=starts)
    def book(self, service: str, minutes: int) -> None:
        if answer := self.take("book", service, at(minutes), client=CLIENT):
            self.remember(answer, service)

    @rule(service=services, minutes=starts)
    def overbook(self, service: str, minutes: int) -> None:
        reason = "her sister"
        answer = self.take("book", service, at(minutes), client=CLIENT, overbook=True, overbook_reason=reason)
        self.remember(answer, service)

    @rule(service=services, minutes=starts, key=st.sampled_from("abc"))
    def book_with_a_key(self, service: str, minutes: int, key: str) -> None:
        """The same key again gives the same answer and has no second effect."""
        with self.connection.transaction():
            self.desk.act()
            stored = call(self.connection, "begin_idempotent", route="book", key=key, request_hash=b"same")
            if stored:
                assert bytes(stored[0]["body"]).decode() == self.keys[key]
                return
            assert key not in self.keys
        try:
            with self.connection.transaction():
                self.desk.act()
                call(self.connection, "begin_idempotent", route="book", key=key, request_hash=b"same")
                (answer,) = call(
                    self.connection, "book", service_id=self.clinic.services[service],
                    location_id=self.clinic.location_id, start=at(minutes), client=CLIENT,
                )  # fmt: skip
                body = json.dumps(str(answer["id"]))
                call(self.connection, "store_answer", route="book", key=key, request_hash=b"same", status=201,
                     headers={}, body=body.encode())  # fmt: skip
        except psycopg.Error as error:
            rule = error.diag.constraint_name
        else:
            rule = None
        if rule is not None:
            assert rule == "slot_is_free"
            assert not all(self.model.free(service, at(minutes)).values())
            return
        self.keys[key] = body
        hold = Holder(answer["hold_id"], "hold", "confirmed", [], self.model.now + TTL, self.model.now)
        self.model.take(hold, service, at(minutes), self.claims_of(answer))
        self.remember(answer, service)

    @precondition(lambda self: self.of_kind("hold"))
    @rule(pick=picks)
    def confirm(self, pick: int) -> None:
        hold = self.a_hold(pick)
        answer = self.refused("confirm_hold", hold_id=hold.id, client=CLIENT)
        if hold.state == "confirmed":
            assert answer == "hold_is_not_settled"
        elif hold.state != "live" or self.model.now >= hold.expires_at + GRACE:
            assert answer == "hold_is_live"
        else:
            assert isinstance(answer, dict), answer
            hold.state = "confirmed"
            service = next(name for name, id in self.clinic.services.items() if id == answer["service_id"])
            self.remember(answer, service)

    @precondition(lambda self: self.of_kind("hold"))
    @rule(pick=picks)
    def extend(self, pick: int) -> None:
        hold = self.a_hold(pick)
        answer = self.refused("extend_hold", hold_id=hold.id)
        until = min(self.model.now + TTL, hold.created_at + TTL_MAX)
        if hold.state == "confirmed":
            assert answer == "hold_is_not_settled"
        elif hold.state != "live" or self.model.lapsed(hold):
            assert answer == "hold_is_live"
        elif until <= hold.expires_at or hold.extensions >= EXTENSIONS_MAX:
            assert answer == "hold_may_be_extended"
        else:
            assert isinstance(answer, dict), answer
            assert answer["expires_at"] == until
            hold.expires_at, hold.extensions = until, hold.extensions + 1

    @precondition(lambda self: self.of_kind("hold"))
    @rule(pick=picks)
    def release(self, pick: int) -> None:
        hold = self.a_hold(pick)
        answer = self.refused("release_hold", hold_id=hold.id)
        assert (answer == "hold_is_not_settled") == (hold.state == "confirmed")
        if hold.state == "live":
            self.model.let_go(hold, "released")

    @rule(seconds=st.sampled_from([1, 60, 240, 299, 300, 301, 360]))
    def wait(self, seconds: int) -> None:
        self.model.now += timedelta(seconds=seconds)
        self.set_clock()

    @rule()
    def sweep(self) -> None:
        due = [h for h in self.of_kind("hold", "live") if h.expires_at + GRACE <= self.model.now]
        assert self.desk("sweep_holds")["sweep_holds"] == len(due)
        for hold in sorted(due, key=lambda hold: hold.id):
            self.model.let_go(hold, "expired")

    # -- appointments

    def visit(self, pick: int) -> tuple[UUID, list[Any]]:
        open_visits = [(id, visit) for id, visit in self.visits.items() if visit[0] in ("confirmed", "checked_in")]
        visits = (pick % 5 and open_visits) or list(self.visits.items())
        return visits[pick % len(visits)]

    @precondition(lambda self: self.visits)
    @rule(pick=picks, step=st.sampled_from(["cancel", "check_in", "complete", "no_show"]))
    def step(self, pick: int, step: str) -> None:
        allowed = {
            "cancel": ({"confirmed", "checked_in"}, "cancelled"),
            "check_in": ({"confirmed"}, "checked_in"),
            "complete": ({"checked_in"}, "completed"),
            "no_show": ({"confirmed"}, "no_show"),
        }
        id, visit = self.visit(pick)
        origins, state = allowed[step]
        answer = self.refused(step, appointment_id=id, revision=None)
        assert (answer == "appointment_state_allows") == (visit[0] not in origins)
        if isinstance(answer, dict):
            visit[0] = state
            if state in ("cancelled", "no_show"):
                self.model.let_go(self.holder(visit[1]), "released")

    @precondition(lambda self: self.visits)
    @rule(pick=picks, minutes=starts)
    def reschedule(self, pick: int, minutes: int) -> None:
        id, visit = self.visit(pick)
        old = self.holder(visit[1])
        answer = self.refused("reschedule", appointment_id=id, revision=None, start=at(minutes))
        if visit[0] != "confirmed":
            assert answer == "appointment_state_allows"
        elif answer == "slot_is_free":
            assert not all(self.model.free(visit[2], at(minutes), old).values()), "refused though it was free"
        else:
            assert isinstance(answer, dict), answer
            new = Holder(answer["hold_id"], "hold", "confirmed", [], self.model.now + TTL, self.model.now)
            self.model.take(new, visit[2], at(minutes), self.claims_of(answer), old)
            self.model.let_go(old, "released")
            visit[1] = new.id

    @precondition(lambda self: self.visits and self.of_kind("hold", "live"))
    @rule(pick=picks, other=picks)
    def reschedule_onto_a_hold(self, pick: int, other: int) -> None:
        id, visit = self.visit(pick)
        holds = self.of_kind("hold", "live")
        hold = holds[other % len(holds)]
        answer = self.refused("reschedule", appointment_id=id, revision=None, hold_id=hold.id)
        if visit[0] != "confirmed":
            assert answer == "appointment_state_allows"
        elif self.model.now >= hold.expires_at + GRACE:
            assert answer == "hold_is_live"
        elif isinstance(answer, dict):
            hold.state = "confirmed"
            self.model.let_go(self.holder(visit[1]), "released")
            visit[1] = hold.id
        else:
            assert answer == "hold_is_for_this_service"

    # -- what stands in the way of visits

    def change(self, function: str, change: Callable[[], None], **parameters: Any) -> str | dict[str, Any]:
        """A change that either side refuses as a whole."""
        answer = self.refused(function, **parameters)
        before = copy.deepcopy(self.model)
        try:
            change()
        except Conflict:
            self.model = before
            assert answer == "no_claims_in_the_way"
        else:
            assert isinstance(answer, dict), answer
        return answer

    @rule(resource=st.sampled_from(BLOCKABLE), minutes=starts, length=st.sampled_from([10, 30, 60]))
    def block(self, resource: str, minutes: int, length: int) -> None:
        if not self.model.units[resource]:
            return
        start, end = at(minutes), at(minutes + length)
        id = UUID(int=len(self.model.holders))
        answer = self.change("place_block", lambda: self.model.place_block(id, resource, start, end),
                             resource_id=self.clinic.resources[resource], start=start, end=end, reason="")  # fmt: skip
        if isinstance(answer, dict):
            self.holder(id).id = answer["id"]

    @precondition(lambda self: self.of_kind("block"))
    @rule(pick=picks)
    def unblock(self, pick: int) -> None:
        blocks = self.of_kind("block")
        block = blocks[pick % len(blocks)]
        self.desk("remove_block", block_id=block.id)
        if block.state == "standing":
            self.model.let_go(block, "removed")

    @rule(resource=st.sampled_from(BLOCKABLE), event=st.sampled_from("xy"), minutes=starts,
          length=st.sampled_from([10, 50]))  # fmt: skip
    def busy(self, resource: str, event: str, minutes: int, length: int) -> None:
        if not self.model.units[resource]:
            return
        start, end = at(minutes), at(minutes + length)
        answer = self.desk("record_busy", resource_id=self.clinic.resources[resource], source="s", external_id=event,
                           start=start, end=end)  # fmt: skip
        known = self.busies.get((resource, event))
        if known is not None:
            assert answer["busy_id"] == known[0]
            busy = self.holder(known[0])
            if busy.state == "standing" and known[1:] == (start, end):
                assert answer["added"] is False
                return
        else:
            busy = Holder(answer["busy_id"], "busy", "new", [])
        self.busies[resource, event] = (answer["busy_id"], start, end)
        self.model.record_busy(busy, resource, start, end)

    @precondition(lambda self: self.of_kind("busy"))
    @rule(pick=picks)
    def no_longer_busy(self, pick: int) -> None:
        busies = self.of_kind("busy")
        busy = busies[pick % len(busies)]
        self.desk("remove_busy", busy_id=busy.id)
        if busy.state == "standing":
            self.model.let_go(busy, "removed")

    # -- the resources themselves

    @rule(capacity=st.integers(1, 3))
    def set_capacity(self, capacity: int) -> None:
        device = self.clinic.resources["device"]
        had = self.desk.read("select id from holdfast.unit where resource_id = %(id)s order by ordinal", id=device)
        known = [row["id"] for row in had]
        try:
            self.desk("set_capacity", resource_id=device, capacity=capacity)
            rule = None
        except Refused as error:
            rule = error.rule
        refused = rule == "no_claims_in_the_way"
        assert refused or rule is None
        units = known[:capacity] if refused else self.clinic.units("device")
        before = copy.deepcopy(self.model)
        try:
            self.model.set_capacity("device", units)
        except Conflict:
            self.model = before
            assert refused
        else:
            assert not refused

    @precondition(lambda self: not self.merged)
    @rule()
    def merge(self) -> None:
        """Ben turns out to be Anna."""
        answer = self.change("merge_resources", lambda: self.model.merge("ben", "anna"),
                             from_id=self.clinic.resources["ben"], into_id=self.clinic.resources["anna"])  # fmt: skip
        self.merged = isinstance(answer, dict)
        if self.merged:
            self.clinic.pool("providers", ["ana", "anna"])

    @rule(minutes=st.sampled_from([0, 10, 20]))
    def change_a_buffer(self, minutes: int) -> None:
        """For visits to come; what is booked keeps its claims."""
        self.model.services["long"]["provider"].after = minutes
        self.put_service("long")

    # -- what must hold after every step

    @invariant()
    def agree(self) -> None:
        stored = sorted(tuple(row.values()) for row in self.desk.read(CLAIMS))
        modelled = sorted(
            (h.id, claim.unit, claim.start, claim.end, claim.overbook) for h in self.model.holders for claim in h.claims
            if claim.active
        )  # fmt: skip
        assert stored == modelled

    @invariant()
    def states_agree(self) -> None:
        holds = {row["id"]: row["state"] for row in self.desk.read("select id, state from holdfast.hold")}
        assert holds == {holder.id: holder.state for holder in self.of_kind("hold")}
        visits = self.desk.read("select id, state, hold_id from holdfast.appointment")
        assert {row["id"]: (row["state"], row["hold_id"]) for row in visits} == {
            id: (state, hold_id) for id, (state, hold_id, _) in self.visits.items()
        }

    @invariant()
    def the_list_has_no_overlap(self) -> None:
        guarded = [claim for h in self.model.holders for claim in h.claims if claim.active and not claim.overbook]
        for one, other in itertools.combinations(guarded, 2):
            assert one.unit != other.unit or not one.meets(other.start, other.end)


@contextmanager
def machine_on(database: DatabaseUrls) -> Iterator[type[Record]]:
    with psycopg.connect(superuser_url(database), autocommit=True) as admin:
        admin.execute(CLOCK)
        admin.execute("revoke execute on function holdfast.clock() from public")
        admin.execute("grant execute on function holdfast.clock() to holdfast_app")
    with psycopg.connect(database.app, autocommit=True, options="-c timezone=UTC") as connection:
        yield type("Run", (Record,), {"connection": connection, "organizations": itertools.count()})


QUIET = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)


@pytest.mark.timeout(600)
def test_the_record_agrees_with_a_plain_list(database: DatabaseUrls) -> None:
    with machine_on(database) as machine:
        run_state_machine_as_test(
            machine,
            settings=settings(max_examples=RUNS, stateful_step_count=STEPS, deadline=None, print_blob=True,
                              suppress_health_check=QUIET),
        )  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """A change of one function of the record, and the rules among which it shows: with all of them it takes longer."""

    function: str
    old: str
    new: str
    rules: str


MUTANTS = {
    "both ends of a range are closed": Mutant(
        "tile_claims", "tstzrange(border, ", "holdfast.closed(border, ", "book hold"
    ),
    "expiry is decided by the start of the transaction": Mutant(
        "lock_live_hold", "clock() >=", "now() >=", "hold wait confirm"
    ),
    "confirmed holds are displaced": Mutant("has_lapsed", "h.state = 'live'", "h.state <> 'expired'", "book wait"),
    "a checked-in visit cannot be cancelled": Mutant("cancel", "{confirmed,checked_in}", "{confirmed}", "book step"),
    "nobody is promoted": Mutant(
        "fill_places", "perform promote_overbooks(v_freed.unit_id, v_freed.during)", "perform 1", "book overbook step"
    ),
    "an outside event does not take what becomes free": Mutant(
        "fill_places", "perform claim_for_busy(v_freed.unit_id, v_freed.during)", "perform 1", "book busy step"
    ),
}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=list(MUTANTS))
def test_control_a_mutant_is_caught(database: DatabaseUrls, admin: psycopg.Connection[Any], mutant: Mutant) -> None:
    row = admin.execute("select pg_get_functiondef(('holdfast.' || %s)::regproc)", (mutant.function,)).fetchone()
    assert row is not None
    assert mutant.old in row[0]
    admin.execute("set search_path = holdfast, public")
    admin.execute("alter table claim drop constraint claim_during_is_claimable")
    admin.execute("create function holdfast.closed(a timestamptz, b timestamptz) returns tstzrange"
                  " language sql immutable return tstzrange(a, b, '[]')")  # fmt: skip
    admin.execute(row[0].replace(mutant.old, mutant.new))
    rules = {name for name, member in vars(Record).items() if hasattr(member, "hypothesis_stateful_rule")}
    assert rules >= set(mutant.rules.split())
    left_out = dict.fromkeys(rules - set(mutant.rules.split()))
    with machine_on(database) as machine, pytest.raises(Exception):  # noqa: B017, PT011 - however it shows
        run_state_machine_as_test(
            type("Focused", (machine,), left_out),
            settings=settings(max_examples=100, stateful_step_count=STEPS, deadline=None, phases=[Phase.generate],
                              database=None, derandomize=True, suppress_health_check=QUIET),
        )  # fmt: skip
