"""One definition of an input, read from an HTML form and from JSON alike; its problems are sentences at the field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from app.core.errors import Invalid
from app.core.text import canonical_email, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails

LARGEST_ID = 2**63 - 1
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def storable(value: object) -> object:
    """A text without what no database keeps."""
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "ignore").decode("utf-8")
    return [storable(one) for one in value] if isinstance(value, list) else value


def _unstorable(value: object) -> bool:
    numbers = value if isinstance(value, list) else [value]
    return any(isinstance(one, int) and abs(one) > LARGEST_ID for one in numbers)


def _one_line(value: object) -> object:
    return plain(value, 10_000) if isinstance(value, str) else value


def _blank_is_none(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


def _no_formula_no_link(value: str) -> str:
    if value.startswith(FORMULA_STARTS):
        message = "Start with a letter: a name cannot begin with = + - or @."
        raise ValueError(message)
    if "://" in value or "www." in value.casefold():
        message = "Write the name without a web address."
        raise ValueError(message)
    return value


def _plain_sender(value: str) -> str:
    value = _no_formula_no_link(value) if value else value
    if set(value) & set('@<>"\\'):
        message = "Write the name without @ < > or quotation marks: it stands before the address of a letter."
        raise ValueError(message)
    return value


def _web_address(value: str) -> str:
    if not value.startswith(("https://", "http://")) or len(value.split("://", 1)[1].split("/", maxsplit=1)[0]) < 3:
        message = "Write the address in full, like https://example.org."
        raise ValueError(message)
    return value


def _email(value: str) -> str:
    canonical_email(value)
    return value


Line = Annotated[str, BeforeValidator(_one_line), Field(min_length=1, max_length=300)]
OptionalLine = Annotated[str, BeforeValidator(_one_line), Field(max_length=300)]
PersonName = Annotated[
    str, BeforeValidator(_one_line), Field(min_length=1, max_length=100), AfterValidator(_no_formula_no_link)
]
Name = Annotated[
    str, BeforeValidator(_one_line), Field(min_length=1, max_length=200), AfterValidator(_no_formula_no_link)
]
SenderName = Annotated[str, BeforeValidator(_one_line), Field(max_length=100), AfterValidator(_plain_sender)]
Email = Annotated[str, BeforeValidator(_one_line), Field(min_length=1, max_length=254), AfterValidator(_email)]
OptionalEmail = Annotated[Email | None, BeforeValidator(_blank_is_none)]
WebAddress = Annotated[str, BeforeValidator(_one_line), Field(max_length=500), AfterValidator(_web_address)]
OptionalWebAddress = Annotated[WebAddress | None, BeforeValidator(_blank_is_none)]
Prose = Annotated[str, Field(min_length=1, max_length=100_000)]


class Input(BaseModel):
    """What a command takes. Unknown fields are ignored, so a CSRF token or a button's name does no harm."""

    model_config = ConfigDict(str_strip_whitespace=True, extra="ignore", frozen=True)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        """Read the input, or raise Invalid with one sentence a field. Empty optional answers count as not given.

        Characters that no database keeps (NUL, half surrogates) are dropped before anything else looks at them.
        """
        data = {name: storable(value) for name, value in data.items()}
        given = {
            name: value
            for name, value in data.items()
            if name in cls.model_fields and not (value == "" and not cls.model_fields[name].is_required())
        }
        try:
            made = cls.model_validate(given)
        except ValidationError as error:
            problems: dict[str, str] = {}
            for detail in error.errors():
                field = str(detail["loc"][0]) if detail["loc"] else ""
                problems.setdefault(field, sentence(detail))
            raise Invalid(problems) from error
        beyond = [name for name in cls.model_fields if _unstorable(getattr(made, name))]
        if beyond:
            raise Invalid(dict.fromkeys(beyond, "Write a smaller number."))
        return made


def sentence(detail: ErrorDetails) -> str:
    """A pydantic complaint in words that say what to do."""
    context = detail.get("ctx", {})
    match detail["type"]:
        case "missing":
            return "Fill this in."
        case "string_too_short" | "too_short":
            least = context.get("min_length", 1)
            return "Fill this in." if least == 1 or not detail["input"] else f"Write at least {least} characters."
        case "string_too_long" | "too_long":
            return f"Write at most {context.get('max_length'):,} characters; this is {len(str(detail['input'])):,}."
        case "enum" | "literal_error":
            return "Choose one of the answers."
        case "value_error":
            return str(context.get("error", "This cannot be taken as it is."))
        case "int_parsing" | "int_type" | "decimal_parsing":
            return "Write a whole number."
        case "greater_than_equal":
            return f"Write {context.get('ge')} or more."
        case "less_than_equal":
            return f"Write {context.get('le')} or less."
        case kind if kind.startswith(("date", "datetime")):
            return "Write a date like 2021-06-30."
        case _:
            return "This cannot be taken as it is. Check it and try again."
