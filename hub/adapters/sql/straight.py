"""Statements whose text is ready, by the driver's own cursor: what Core does around each takes longer than SQLite does.

All that Core promises of them still holds. A transaction has begun, or Core begins it. Whoever listens to
``before_cursor_execute`` hears of each, and of a driver's error Core says what it says of every other one: whether it
may pass, whether the connection is of any further use, and nothing of the values.
"""

from collections.abc import Callable, Sequence
from operator import attrgetter, methodcaller
from typing import Any, NoReturn

from sqlalchemy import Connection, Engine, ExecutionContext, event

_FAILED = "hub_failed"
"""The option of a statement that has failed: with what error."""

_CHANGED, _ROWS = attrgetter("rowcount"), methodcaller("fetchall")


def changed(connection: Connection, text: str, given: Sequence[Any] = ((),)) -> int:
    """How many rows the database says the statement changed. ``given``: the parameters of each time it is done."""
    rows: int = _done(connection, text, given, _CHANGED)
    return rows


def rows(connection: Connection, text: str, given: Any = ()) -> list[Any]:
    """The answer, as the driver gives it. ``given``: the parameters."""
    found: list[Any] = _done(connection, text, (given,), _ROWS)
    return found


def tell_failures(engine: Engine) -> None:
    """Have the engine's own way around the driver's errors, its listeners too, serve what fails here."""

    @event.listens_for(engine, "do_execute")
    def _do(_cursor: object, _text: str, _given: object, context: ExecutionContext) -> None:
        failed: BaseException | None = context.execution_options.get(_FAILED)
        if failed is not None:
            raise failed


def _done(connection: Connection, text: str, given: Sequence[Any], answer: Callable[[Any], Any]) -> Any:
    transaction = connection.get_transaction() or connection.begin()
    if not transaction.is_active or connection.dispatch.before_cursor_execute:
        return answer(connection.exec_driver_sql(text, given[0] if len(given) == 1 else list(given)))
    try:
        cursor = connection.connection.cursor()
        if len(given) == 1:
            cursor.execute(text, given[0])
        else:
            cursor.executemany(text, given)
        return answer(cursor)
    except BaseException as error:  # noqa: BLE001 - Core looks at every one of them
        failed = error
    return _tell(connection, text, failed)  # not in the block above: then what Core raises has no context but its cause


def _tell(connection: Connection, text: str, failed: BaseException) -> NoReturn:
    """Raise what Core raises of it."""
    connection.exec_driver_sql(text, execution_options={_FAILED: failed})
    raise failed
