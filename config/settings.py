"""Every setting, as one frozen typed object read from the environment; wrong values stop the start with sentences."""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

DEFAULT_SECRET = "development-only-secret-change-me"  # noqa: S105 - production refuses it
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
    smtp_url: str = ""
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

    @field_validator("database_url")
    @classmethod
    def _database(cls, value: str) -> str:
        if not value.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
            message = "must begin with sqlite:/// or postgresql://."
            raise ValueError(message)
        return value

    @field_validator("queue_url")
    @classmethod
    def _queue(cls, value: str) -> str:
        if not value.startswith(("sqlite:///", "postgresql://", "redis://", "rediss://", "memory:")):
            message = "must begin with sqlite:///, postgresql:// or redis://."
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
