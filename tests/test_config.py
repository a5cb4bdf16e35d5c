"""Settings and the secret."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest
from pydantic import ValidationError

from holdfast.config import Settings, load_settings
from holdfast.errors import SetupRefused


def test_variables_fill_the_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOLDFAST_PORT", "9000")
    monkeypatch.setenv("HOLDFAST_TRUSTED_PROXIES", "10.0.0.0/8, ::1")
    settings = load_settings(host="::1")
    assert (settings.port, settings.host, settings.data_dir) == (9000, "::1", tmp_path / ".data")
    assert [str(network) for network in settings.trusted_proxies] == ["10.0.0.0/8", "::1/128"]


def test_they_never_change() -> None:
    with pytest.raises(ValidationError):
        Settings().port = 1  # type: ignore[misc]


def test_a_repr_shows_no_secret() -> None:
    settings = Settings(database_url="postgresql://u:hush@h/d", secret_key="hush" * 8)
    assert "hush" not in repr(settings)


def test_a_wrong_value_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_WORKERS", "0")
    with pytest.raises(SetupRefused, match=r"^HOLDFAST_WORKERS is not valid: .*greater than or equal to 1\.$"):
        load_settings()


def test_the_secret_is_made_once_and_private(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    assert len(settings.secret()) == 32
    assert settings.secret() == Settings(data_dir=tmp_path / "data").secret()
    assert (tmp_path / "data" / "secret").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["secret"]


def test_processes_that_start_together_get_one_secret(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        assert len(set(pool.map(_secret_of, [tmp_path / "data"] * 8))) == 1


def _secret_of(data_dir: Path) -> bytes:
    return Settings(data_dir=data_dir).secret()


def test_a_secret_of_one_s_own_comes_first(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", secret_key="x" * 32)
    assert len(settings.secret()) == 32
    assert not (tmp_path / "data").exists()
