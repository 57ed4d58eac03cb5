"""Every setting, as one frozen typed object read from the environment; wrong values stop the start with sentences."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

DEFAULT_SECRET = "development-only-secret-change-me"  # noqa: S105 - production refuses it
SHORTEST_RECALL = 12
THIS_MACHINE = {"localhost", "127.0.0.1", "::1"}
FREE = "sqlite:///var/undersigned.sqlite"


class SettingsError(Exception):
    """One sentence for each variable that is missing or wrong."""

    def __init__(self, problems: dict[str, str]) -> None:
        """Join the sentences, one a line."""
        super().__init__("\n".join(f"{name}: {text}" for name, text in sorted(problems.items())))
        self.problems = problems


class Environment(Enum):
    """Where this runs. Production refuses what is only safe on one's own machine."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class MailTransport(Enum):
    """How letters leave."""

    DEV = "dev"
    SMTP = "smtp"
    SENDGRID = "sendgrid"


class Settings(BaseModel):
    """The settings; each is documented by the same name in upper case in ``config/example.env``."""

    model_config = ConfigDict(frozen=True)

    environment: Environment = Environment.DEVELOPMENT
    database_url: str = FREE
    secret_key: str = Field(default=DEFAULT_SECRET, min_length=16)
    base_url: str = "http://127.0.0.1:8000"
    queue_url: str = "sqlite:///var/queue.sqlite"
    var_dir: Path = Path("var")
    mail_transport: MailTransport = MailTransport.DEV
    mail_from: str = "Undersigned <letters@undersigned.example>"
    mail_bounce_domain: str = ""
    mail_postal_address: str = ""
    mail_dkim_selectors: str = "s1,s2"
    mail_dns_server: str = ""
    sendgrid_api_key: str = ""
    sendgrid_host: str = "https://api.sendgrid.com"
    sendgrid_recall_minutes: int = Field(default=0, ge=0, le=24 * 60)
    sendgrid_asm_group: int = Field(default=0, ge=0)
    sendgrid_ip_pool: str = Field(default="", max_length=64)
    sendgrid_updates_ip_pool: str = Field(default="", max_length=64)
    sendgrid_webhook_key: str = ""
    smtp_url: str = ""
    reply_domain: str = Field(default="", pattern=r"^([A-Za-z0-9-]+\.)+[A-Za-z0-9-]+$|^$")
    inbound_secret: str = ""
    imap_url: str = ""
    trusted_proxies: int = Field(default=0, ge=0, le=10)
    web_bind: str = "127.0.0.1:8000"
    web_workers: int = Field(default=1, ge=1, le=64)
    web_threads: int = Field(default=4, ge=1, le=256)
    worker_threads: int = Field(default=4, ge=1, le=64)
    max_upload_mb: int = Field(default=5, ge=1, le=50)
    log_level: str = "INFO"

    @field_validator("base_url")
    @classmethod
    def _address(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            message = "must begin with http:// or https://."
            raise ValueError(message)
        return value.rstrip("/")

    @field_validator("sendgrid_recall_minutes")
    @classmethod
    def _in_time(cls, value: int) -> int:
        if 0 < value < SHORTEST_RECALL:
            message = f"must be 0 (off) or at least {SHORTEST_RECALL}: the last 10 minutes are too late to call back."
            raise ValueError(message)
        return value

    @field_validator("database_url")
    @classmethod
    def _database(cls, value: str) -> str:
        if not value.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
            message = "must begin with sqlite:/// or postgresql://."
            raise ValueError(message)
        return value

    @field_validator("sendgrid_host")
    @classmethod
    def _provider(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            message = "must begin with https://."
            raise ValueError(message)
        return value.rstrip("/")

    @field_validator("sendgrid_api_key")
    @classmethod
    def _key(cls, value: str) -> str:
        value = value.strip()
        if re.search(r"[^\x21-\x7e]", value):
            message = "holds a space or a character that no key has; copy it once more."
            raise ValueError(message)
        return value

    @field_validator("mail_bounce_domain")
    @classmethod
    def _domain(cls, value: str) -> str:
        if value and not re.fullmatch(r"[A-Za-z0-9.-]+\.[A-Za-z0-9-]+", value):
            message = "must be a domain like bounces.example.org, without an @."
            raise ValueError(message)
        return value

    @field_validator("queue_url")
    @classmethod
    def _queue(cls, value: str) -> str:
        if not value.startswith(("sqlite:///", "postgresql://", "redis://", "rediss://", "memory:")):
            message = "must begin with sqlite:///, postgresql:// or redis://."
            raise ValueError(message)
        return value

    @field_validator("sendgrid_webhook_key")
    @classmethod
    def _webhook_key(cls, value: str) -> str:
        shown = "".join(value.split())
        try:
            key = load_der_public_key(base64.b64decode(shown, validate=True)) if shown else None
        except (ValueError, UnsupportedAlgorithm) as error:
            message = "is no public key; copy it whole from SendGrid's page."
            raise ValueError(message) from error
        if key is not None and not (isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1)):
            message = "is no ECDSA key; copy the one that SendGrid shows for signed event posts."
            raise ValueError(message)
        return shown

    @field_validator("inbound_secret")
    @classmethod
    def _unguessable(cls, value: str) -> str:
        if value and (len(value) < 16 or not value.isalnum() or not value.isascii()):
            message = "must be at least 16 letters and digits: openssl rand -hex 16 makes one."
            raise ValueError(message)
        return value

    @field_validator("imap_url")
    @classmethod
    def _mailbox(cls, value: str) -> str:
        parts = urlsplit(value)
        encrypted = parts.scheme == "imaps" or (parts.scheme == "imap" and parts.hostname in THIS_MACHINE)
        if value and not (encrypted and parts.hostname and parts.username and parts.password):
            message = "must be like imaps://user:password@host/INBOX; imap:// only to this machine."
            raise ValueError(message)
        return value

    @model_validator(mode="after")
    def _together(self) -> Self:
        problems: dict[str, str] = {}
        if self.mail_transport is MailTransport.SENDGRID and not self.sendgrid_api_key:
            problems["SENDGRID_API_KEY"] = "is needed when MAIL_TRANSPORT is sendgrid."
        if self.mail_transport is MailTransport.SMTP and not self.smtp_url.startswith(("smtp://", "smtps://")):
            problems["SMTP_URL"] = "is needed when MAIL_TRANSPORT is smtp, like smtp://user:password@host:587."
        if self.environment is Environment.PRODUCTION:
            if self.secret_key == DEFAULT_SECRET:
                problems["SECRET_KEY"] = "must be your own in production: openssl rand -hex 32 makes one."  # noqa: S105
            if self.mail_transport is MailTransport.DEV:
                problems["MAIL_TRANSPORT"] = "must be smtp or sendgrid in production; dev only writes files."
            if not self.base_url.startswith("https://"):
                problems["BASE_URL"] = "must begin with https:// in production."
        if problems:
            raise SettingsError(problems)
        return self

    @property
    def production(self) -> bool:
        """Whether strangers use this installation."""
        return self.environment is Environment.PRODUCTION

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read the environment; raise SettingsError with every wrong variable at once."""
        source = os.environ if environ is None else environ
        given = {name: source[name.upper()] for name in cls.model_fields if source.get(name.upper(), "") != ""}
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            problems = {
                str(detail["loc"][0]).upper(): _sentence(str(detail["msg"]))
                for detail in error.errors()
                if detail["loc"]
            }
            raise SettingsError(problems) from error


def _sentence(message: str) -> str:
    text = message.removeprefix("Value error, ")
    return text if text.endswith(".") else f"{text}."
