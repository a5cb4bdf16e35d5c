"""The catalog file: what may be left unsaid, what is refused and how, and that writing and reading are inverse."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.catalog.document import (
    CatalogDocument,
    LocationEntry,
    OrganizationEntry,
    PoolEntry,
    RequirementEntry,
    ResourceEntry,
    ServiceEntry,
    changes_between,
    in_order,
    preferred_first,
    standard_hold_policy,
)
from holdfast.catalog.model import KINDS
from holdfast.catalog.yaml_file import parse_catalog, slugify
from holdfast.catalog.yaml_nodes import FileInvalid
from holdfast.catalog.yaml_text import dump_catalog

TEN_LINES = """\
organization: Bright Smile Dental
locations:
  main: America/Chicago
providers: [Dr. Ana Ruiz, Dr. Tom Weld, Mei Lin]
rooms: [Room 1, Room 2]
services:
  Check-up: 30
  Cleaning: {duration: 1h, price: 120}
  Crown: {duration: 1h30, price: 949.50, requires: [providers, rooms]}
"""


def problems(text: str) -> list[tuple[int, str]]:
    with pytest.raises(FileInvalid) as caught:
        parse_catalog(text)
    return [(remark.line, remark.message) for remark in caught.value.remarks]


def problem(text: str) -> str:
    found = problems(text)
    assert len(found) == 1, found
    return f"{found[0][0]}: {found[0][1]}"


def test_a_new_clinic_fits_in_ten_lines() -> None:
    document = parse_catalog(TEN_LINES).document
    assert len(TEN_LINES.splitlines()) <= 10
    assert document.organization == OrganizationEntry("bright-smile-dental", "Bright Smile Dental", "USD")
    assert document.resources["dr-ana-ruiz"] == ResourceEntry("dr-ana-ruiz", "Dr. Ana Ruiz", "provider", ("main",), 1)
    everyone = (("dr-ana-ruiz", 100), ("dr-tom-weld", 100), ("mei-lin", 100))
    assert document.pools["providers"] == PoolEntry("providers", "Providers", everyone)
    assert document.services["check-up"].requirements == (RequirementEntry("provider", "providers", 30),)
    assert document.services["crown"] == ServiceEntry(
        "crown",
        "Crown",
        90,
        ("main",),
        (RequirementEntry("provider", "providers", 90), RequirementEntry("room", "rooms", 90)),
        price_cents=94950,
    )


@pytest.mark.parametrize(
    "text",
    [TEN_LINES, files("holdfast.demo").joinpath("catalog.yaml").read_text("utf-8")],
    ids=["ten lines", "the demo"],
)
def test_writing_and_reading_again_changes_nothing(text: str) -> None:
    read = parse_catalog(text)
    written = dump_catalog(read.document)
    assert read.warnings == []
    assert parse_catalog(written).document == read.document
    assert dump_catalog(parse_catalog(written).document) == written


repeatable = settings(derandomize=True, max_examples=60, deadline=None)
slugs = st.from_regex(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
names = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=40)
roles = st.from_regex(r"[a-z][a-z0-9_]{0,9}", fullmatch=True)


@st.composite
def documents(draw: st.DrawFn) -> CatalogDocument:
    """Any catalog that the record can hold: awkward names, odd numbers, empty pools, everything shared."""

    def some(known: list[str], least: int = 0) -> tuple[str, ...]:
        return tuple(sorted(draw(st.sets(st.sampled_from(known), min_size=least)) if known else ()))

    locations = draw(st.lists(slugs, min_size=1, max_size=3, unique=True))
    resources = draw(st.lists(slugs, max_size=5, unique=True))
    pools = draw(st.lists(slugs | st.sampled_from(["providers", "rooms"]), max_size=3, unique=True))
    services = draw(st.lists(slugs, max_size=3, unique=True))

    def requirements() -> tuple[RequirementEntry, ...]:
        return in_order(
            [
                RequirementEntry(
                    role,
                    draw(st.sampled_from(pools)),
                    draw(st.integers(1, 1440)),
                    draw(st.integers(-1440, 1440)),
                    draw(st.integers(1, 50)),
                    draw(st.integers(0, 480)),
                    draw(st.integers(0, 480)),
                )
                for role in (draw(st.lists(roles, max_size=3, unique=True)) if pools else [])
            ]
        )

    def members() -> tuple[tuple[str, int], ...]:
        return preferred_first([(slug, draw(st.sampled_from([0, 100, 200]))) for slug in some(resources)])

    return CatalogDocument(
        OrganizationEntry(draw(slugs), draw(names), draw(st.sampled_from(["USD", "EUR"]))),
        {},
        {slug: LocationEntry(slug, draw(names), "Europe/Berlin", draw(st.none() | names)) for slug in locations},
        {
            slug: ResourceEntry(
                slug, draw(names), draw(st.sampled_from(KINDS)), some(locations), draw(st.integers(1, 500))
            )
            for slug in resources
        },
        {slug: PoolEntry(slug, draw(names | st.just("Providers")), members()) for slug in pools},
        {
            slug: ServiceEntry(
                slug,
                draw(names),
                draw(st.integers(1, 1440)),
                some(locations),
                requirements(),
                draw(names),
                draw(st.integers(0, 999_999_999)),
            )
            for slug in services
        },
    )


@given(documents())
@repeatable
def test_any_catalog_survives_writing_and_reading(document: CatalogDocument) -> None:
    written = dump_catalog(document)
    assert parse_catalog(written).document == document
    assert list(changes_between(document, parse_catalog(written).document)) == []


@given(documents(), documents())
@repeatable
def test_a_difference_is_told_exactly_when_there_is_one(old: CatalogDocument, new: CatalogDocument) -> None:
    new = replace(new, organization=replace(new.organization, slug=old.organization.slug))
    changes = list(changes_between(old, new))
    assert bool(changes) == (old != new)
    # the words tell every difference: no change without a field
    assert all(change.field_changes for change in changes if change.action == "change")


@given(st.text(max_size=300))
@repeatable
def test_no_text_whatever_makes_it_stumble(text: str) -> None:
    with suppress(FileInvalid):
        parse_catalog(text)


@given(st.data())
@repeatable
def test_no_damage_to_a_good_file_makes_it_stumble(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(TEN_LINES)))
    cut = data.draw(st.integers(0, 20))
    junk = data.draw(st.text(alphabet="[]{}:,-&*!|>'\"%@` \n\tab1", max_size=10))
    with suppress(FileInvalid):
        parse_catalog(TEN_LINES[:at] + junk + TEN_LINES[at + cut :])


CLINIC = "organization: A\nlocations: {main: Europe/Berlin}\nproviders: [Ana]\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "1: the file is empty"),
        ("organization: A\n", "1: there is no location"),
        ("locations: {main: Europe/Berlin}\n", "1: the organization is missing"),
        (CLINIC + "servics: {}\n", "4: a catalog has no 'servics'. Did you mean services?"),
        (CLINIC + "opening: {}\n", "4: a catalog has no 'opening'."),
        (
            "organization: A\nlocations:\n  main: {time_zone: Europe/Berln}\n",
            "3: 'Europe/Berln' is not an IANA time zone",
        ),
        ("organization: A\nlocations:\n  main: {time_zone: Europe/Berln}\n", "did you mean Europe/Berlin"),
        ("organization: A\nlocations:\n  main:\n", "3: the location main lacks its time_zone"),
        (CLINIC + "pools: {p: [anna]}\n", "4: there is no resource 'anna' in this file. Did you mean ana?"),
        (CLINIC + "rooms: {r: {locations: mian}}\n", "4: there is no location 'mian' in this file. Did you mean main?"),
        (CLINIC + "rooms: {ana: {}}\n", "4: 'ana' is here twice, first in line 3"),
        (CLINIC + "rooms:\n  R 1: {}\n  r-1: {}\n", "6: 'r-1' is here twice, first in line 5"),
        (CLINIC + "rooms:\n  r: {}\n  r: {}\n", "6: 'r' is here twice, first in line 5"),
        (CLINIC + "rooms: {r: {capacity: 0}}\n", "4: capacity is '0'; write a whole number from 1 to 500"),
        (CLINIC + "rooms: {r: {capacity: two}}\n", "4: capacity is 'two'"),
        (CLINIC + "rooms: {r: {nme: R}}\n", "4: the room r has no 'nme'. Did you mean name?"),
        (CLINIC + "rooms: {陳: {}}\n", "4: '陳' has no letter for a slug"),
        (CLINIC + "services: {a: }\n", "4: the service a lacks its duration"),
        (CLINIC + "services: {a: soon}\n", "4: duration is 'soon'; write minutes such as 70, or 1h10"),
        (CLINIC + "services: {a: 0}\n", "4: duration is 0 minutes; it can be from 1 to 1440"),
        (CLINIC + "services: {a: 1:10}\n", "4: duration is '1:10'"),
        (CLINIC + "services: {a: {duration: 5, price: $3}}\n", "4: price is '$3'; write an amount such as 350"),
        (CLINIC + "services: {a: {duration: 5, price: -3}}\n", "4: price is '-3'"),
        (CLINIC + "services: {a: {duration: 5, requires: [lasers]}}\n", "4: there is no pool 'lasers'"),
        (CLINIC + "services: {a: {duration: 5, requires: [{role: x}]}}\n", "4: a requirement lacks its pool"),
        (CLINIC + "services: {a: {duration: 5, requires: [providers, providers]}}\n", "4: the role 'provider' is here"),
        (CLINIC + "services: {a: {duration: 5, requires: [{pool: providers, role: A B}]}}\n", "4: the role 'A B' has"),
        (
            CLINIC + "services: {a: {duration: 5, requires: [{pool: providers, from: 9}]}}\n",
            "4: provider starts at minute",
        ),
        (
            CLINIC + "services: {a: {duration: 5, requires: [{pool: providers, form: 1}]}}\n",
            "no 'form'. Did you mean from?",
        ),
        (CLINIC + "hold_policies: {desc: {}}\n", "4: there is no surface 'desc'. Did you mean desk?"),
        (
            CLINIC + "hold_policies: {desk: {ttl_seconds: 901}}\n",
            "4: on desk ttl_seconds is larger than ttl_seconds_max",
        ),
        (CLINIC + "rooms: 'a\n", "this is not YAML"),
        (CLINIC + "rooms: {a: \x00}\n", "4: there is a character that no text has"),
        ("[" * 5000, "1: brackets or lists are nested too deep"),
        ("organization: &a {name: *a}\nlocations: {m: UTC}\n", "1: name is one line of text"),
        ("- a\n- b\n", "1: a catalog is written as `key: value` lines"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_what_to_write(text: str, expected: str) -> None:
    told = "\n".join(f"{line}: {message}" for line, message in problems(text))
    assert expected in told


def test_every_mistake_is_told_in_one_run() -> None:
    text = CLINIC + "rooms: {r: {capacity: 0}}\nservices:\n  a: {duration: soon}\n  b: {duration: 5, prise: 3}\n"
    assert [line for line, _ in problems(text)] == [4, 6, 7]


def test_several_locations_want_to_know_where() -> None:
    text = "organization: A\nlocations: {one: Europe/Berlin, two: Europe/Berlin}\nproviders: [Ana]\n"
    assert problem(text) == "3: where is ana? Write ana: {locations: [one, two]}"


def test_words_stay_words() -> None:
    text = CLINIC + "rooms:\n  a: {name: No}\n  b: {name: 007}\n  c: {name: 1e3}\n  d: {name: 2024-01-01}\n"
    resources = parse_catalog(text).document.resources
    assert [resources[slug].name for slug in "abcd"] == ["No", "007", "1e3", "2024-01-01"]
    assert parse_catalog(dump_catalog(parse_catalog(text).document)).document.resources == resources


def test_a_role_that_nobody_can_serve_somewhere_is_a_warning() -> None:
    text = (
        "organization: A\nlocations: {one: Europe/Berlin, two: Europe/Berlin}\n"
        "providers: {ana: {locations: one}, bo: {locations: two}, cy: {locations: two}}\n"
        "services:\n  massage:\n    duration: 60\n    requires: [{pool: providers, quantity: 2}]\n"
    )
    read = parse_catalog(text)
    assert [(remark.line, remark.message) for remark in read.warnings] == [
        (
            5,
            "massage cannot be booked at one: it needs 2 of the pool providers as provider, and one has only 1 of it.",
        )
    ]


def test_the_documentation_shows_this_very_clinic() -> None:
    text = (Path(__file__).parents[2] / "docs" / "catalog.md").read_text("utf-8")
    shown = text.split("```yaml\n")[1].split("```")[0]
    assert parse_catalog(shown).document == parse_catalog(TEN_LINES.replace("949.50", "950")).document


def test_an_empty_pool_named_after_a_kind_is_written() -> None:
    text = CLINIC + "pools: {rooms: []}\nservices: {a: {duration: 5, requires: [rooms]}}\n"
    document = parse_catalog(text).document
    assert parse_catalog(dump_catalog(document)).document == document


def test_hold_policies_say_what_differs() -> None:
    text = CLINIC + "hold_policies: {widget: {ttl_seconds: 240, live_holds_per_visitor_max: none}}\n"
    document = parse_catalog(text).document
    policy = document.hold_policies["widget"]
    assert (policy.ttl_seconds, policy.live_holds_per_visitor_max, policy.live_holds_per_network_max) == (240, None, 30)
    assert policy != standard_hold_policy("widget")
    assert parse_catalog(dump_catalog(document)).document == document


@pytest.mark.parametrize(
    ("name", "slug"),
    [("José Álvarez, RN", "jose-alvarez-rn"), ("a--b", "a--b"), ("ÅB  c", "ab-c"), ("陳", ""), ("x" * 80, "x" * 64)],
)
def test_slugs(name: str, slug: str) -> None:
    assert slugify(name) == slug
