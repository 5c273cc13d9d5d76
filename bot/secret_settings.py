"""Which settings are secret, found in the model itself: a new one is covered by being a SecretStr."""

import hmac
import re
from collections.abc import Iterator, Mapping
from typing import Protocol, get_args, get_origin

from pydantic import BaseModel, SecretStr

_A_KEY = 16  # characters; shorter parts of a path are words
_A_VALUE = 8  # what is given behind a "=" is a key sooner
_SEPARATORS = re.compile(r"[/?&=#:@.,]+")
_SNOWFLAKE = re.compile(r"\d{17,20}")  # an id of Discord, which everybody may see


class Secretive(Protocol):
    """Something else that knows texts which must not be shown."""

    @property
    def secrets(self) -> tuple[str, ...]: ...


def secret_names(model: type[BaseModel]) -> tuple[str, ...]:
    """Fields that hold one secret or several."""
    return tuple(name for name, field in model.model_fields.items() if _is_secret(field.annotation))


def secret_lists(model: type[BaseModel]) -> tuple[str, ...]:
    """Those of them that hold several."""
    return tuple(name for name in secret_names(model) if get_origin(model.model_fields[name].annotation) is tuple)


def _is_secret(annotation: object) -> bool:
    return annotation is SecretStr or any(_is_secret(one) for one in get_args(annotation))


def same(one: str, other: str) -> bool:
    """Whether two secrets are one, in a time that says nothing of where they differ."""
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))


def secret_values(settings: BaseModel) -> Mapping[str, tuple[str, ...]]:
    """What is set of them, by field."""
    found: dict[str, tuple[str, ...]] = {}
    for name in secret_names(type(settings)):
        held = getattr(settings, name)
        several = held if isinstance(held, tuple) else (held,)
        found[name] = tuple(one.get_secret_value() for one in several if one is not None and one.get_secret_value())
    return found


def secrets_of(settings: BaseModel, *others: Secretive) -> tuple[str, ...]:
    """Every text that must never be shown: each secret, and each part of it that is long enough to be a key."""
    whole = [one for values in secret_values(settings).values() for one in values]
    whole += [one for other in others for one in other.secrets]
    # A service's URL has keys anywhere, also where another one has its host.
    parts = [part for one in whole for part in _keys_in(_behind_the_host(one))]
    parts += [part for other in others for one in other.secrets for part in _keys_in(one)]
    return tuple(dict.fromkeys([*whole, *parts]))


def _behind_the_host(text: str) -> str:
    scheme, is_url, rest = text.partition("://")
    if not is_url:
        return scheme
    host, slash, path = rest.partition("/")
    return f"{host.rpartition('@')[0]}/{path}" if slash or "?" not in host else f"{host.partition('?')[2]}"


def _keys_in(text: str) -> Iterator[str]:
    for part in _SEPARATORS.split(text):
        if len(part) >= _A_KEY and not _SNOWFLAKE.fullmatch(part):
            yield part
    for value in re.findall(r"=([^&#]+)", text):
        if len(value) >= _A_VALUE:
            yield value
