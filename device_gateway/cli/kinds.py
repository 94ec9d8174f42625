"""Kinds of option values: each converts, or fails with a sentence."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import click


class Zone(click.ParamType[ZoneInfo]):
    """An IANA zone."""

    name = "iana"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> ZoneInfo:
        """The zone."""
        try:
            return ZoneInfo(value)
        except (OSError, ValueError, KeyError):
            self.fail(f"{value} is no time zone", param, ctx)


class Instant(click.ParamType[datetime]):
    """A time with its offset."""

    name = "iso 8601"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The instant."""
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value} is no time in ISO 8601", param, ctx)
        if moment.tzinfo is None:
            self.fail(f"{value} has no offset", param, ctx)
        return moment


class Equation(click.ParamType[tuple[str, str]]):
    """``column=value``."""

    name = "column=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Both sides."""
        column, sign, wanted = value.partition("=")
        if not sign or not column:
            self.fail(f"{value} is not COLUMN=VALUE", param, ctx)
        return column, wanted
