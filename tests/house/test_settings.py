"""Settings: documented each, wrong ones named each, production strict."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from config.settings import Settings, SettingsError
from tests.house.rules import ROOT, broken, reads_the_environment, texts

EXAMPLE = (ROOT / "config" / "example.env").read_text(encoding="utf-8")


def test_every_setting_is_documented_with_a_sentence_and_its_default() -> None:
    documented = dict(re.findall(r"^([A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE))
    assert set(documented) == {name.upper() for name in Settings.model_fields}
    for name in documented:
        assert re.search(rf"^# \S.*\n{name}=", EXAMPLE, re.MULTILINE), f"{name} has no sentence above it"
    assert Settings.from_env(documented) == Settings()


def test_the_environment_is_read_in_one_place() -> None:
    # The supervisor hands the whole environment on to the web server and the worker it starts, and reads none of it.
    found = broken(texts("app", "config"), reads_the_environment)
    assert set(found) == {"config/settings.py", "config/server.py"}


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"DATABASE_URL": "mysql://x"}, {"DATABASE_URL"}),
        ({"QUEUE_URL": "amqp://x", "BASE_URL": "undersigned.example"}, {"QUEUE_URL", "BASE_URL"}),
        ({"MAIL_TRANSPORT": "pigeon"}, {"MAIL_TRANSPORT"}),
        ({"MAIL_TRANSPORT": "sendgrid"}, {"SENDGRID_API_KEY"}),
        ({"MAIL_TRANSPORT": "smtp"}, {"SMTP_URL"}),
        ({"WEB_WORKERS": "many"}, {"WEB_WORKERS"}),
        ({"ENVIRONMENT": "production"}, {"SECRET_KEY", "MAIL_TRANSPORT", "BASE_URL"}),
    ],
)
def test_wrong_settings_are_all_named_at_once(given: dict[str, str], wrong: set[str]) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.from_env(given)
    assert set(refused.value.problems) == wrong


def test_a_wrong_setting_stops_the_start_with_a_sentence() -> None:
    started = subprocess.run(
        [sys.executable, "-c", "import wsgi"],
        cwd=ROOT,
        env={**os.environ, "ENVIRONMENT": "production", "MAIL_TRANSPORT": "dev"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert started.returncode == 1
    assert "MAIL_TRANSPORT: must be smtp or sendgrid in production" in started.stderr
    assert "Traceback" not in started.stderr
