"""Set up in a language and at a place: what is stored is in that language, prices in what people pay with there."""

from __future__ import annotations

import psycopg

from holdfast.db.urls import DatabaseUrls
from tests.clinic import Desk
from tests.web.conftest import Served
from tests.web.forms import Forms

PASSWORD = "correct horse battery"


def test_a_business_in_madrid_is_set_up_in_spanish(forms: Forms, served: Served, module_database: DatabaseUrls) -> None:
    forms.open(served.setup_url)
    spanish = next(link for link in forms.links if "lang=es" in link)
    assert "token=" in spanish, "the key to the page is not lost on the way"
    forms.open(spanish)
    assert "Su negocio" in forms.page.text
    forms.send(organization="Luz", name="Ada Byron", email="ada@example.org", password=PASSWORD)
    assert forms.page.url.path == "/setup/location"
    forms.send(name="Centro", time_zone="Europe/Madrid", currency="DEM")
    assert forms.page.status_code == 422
    assert 'id="currency-error"' in forms.page.text
    forms.send(name="Centro", time_zone="Europe/Madrid", currency="")
    forms.send(providers="Sofía Delgado", rooms="1")
    assert "360 €" in forms.page.text.replace("\u00a0", " ")
    forms.send(also={"service": "neurotoxin"})
    assert forms.page.url.path == "/setup/done"

    with psycopg.connect(module_database.app, autocommit=True) as connection:
        (id,) = (row["organization_ids"] for row in Desk(connection, None).all("organization_ids"))
        bare = Desk(connection, id)
        assert [row["currency"] for row in bare.read("select currency from holdfast.organization")] == ["EUR"]
        names = {row["name"] for row in bare.read("select name from holdfast.pool")}
        assert names == {"Profesionales", "Salas"}
        (service,) = bare.read("select name, category from holdfast.service")
        assert (service["name"], service["category"]) == ("Neuromodulador", "Inyectables")
        assert [row["name"] for row in bare.read("select name from holdfast.resource where kind = 'room'")] == [
            "Sala 1"
        ]
