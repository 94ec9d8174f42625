"""A sample takes half the room.

Its value becomes a whole number of hundredths, device and profile are one number, and what is rare is said in words.
"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_PROFILES = {
    "weight-scale": 1,
    "body-composition": 2,
    "glucose-meter": 3,
    "cgm": 4,
    "pulse-oximeter": 5,
    "blood-pressure": 6,
    "thermometer": 7,
    "heart-rate": 8,
    "manual": 9,
}
_KEY = "patient_id, metric, at, reading_id"
_KEYS = {"reading": _KEY, "replayed": _KEY, "latest": "patient_id, metric"}
_IN_KEY = {"reading": ("centi, words", "value, comparator, flags")}
"""What PostgreSQL's key holds beside its columns, now and before."""

# A profile that none of these is, is an error: the number would be missing.
_CODE = "CASE profile " + " ".join(f"WHEN '{name}' THEN {code}" for name, code in _PROFILES.items()) + " END"
_NAME = "CASE source % 32 " + " ".join(f"WHEN {code} THEN '{name}'" for name, code in _PROFILES.items()) + " END"


def upgrade() -> None:
    """Forward."""
    for table in _KEYS:
        _narrow(table) if _on_server() else _narrow_file(table)


def downgrade() -> None:
    """Back."""
    for table in _KEYS:
        _widen(table) if _on_server() else _widen_file(table)


def _on_server() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def _narrow_file(table: str) -> None:
    op.execute(f"ALTER TABLE {table} RENAME TO before")
    op.execute(
        f"CREATE TABLE {table} (patient_id INTEGER NOT NULL, metric INTEGER NOT NULL, at BIGINT NOT NULL, "
        "reading_id BIGINT NOT NULL, centi BIGINT NOT NULL, source BIGINT NOT NULL, words TEXT NOT NULL, "
        f"CONSTRAINT pk_{table} PRIMARY KEY ({_KEYS[table]})) WITHOUT ROWID"
    )
    op.execute(
        f"INSERT INTO {table} SELECT {_KEY}, CAST(round(value * 100) AS INTEGER), "
        f"coalesce(device_id, 0) * 32 + {_CODE}, {_words(_exact('shown_value'), 'char(9)')} FROM before"
    )
    op.execute("DROP TABLE before")


def _exact(number: str) -> str:
    """The shortest text that is this number again."""
    short, long = (f"printf('%!.{digits}g', {number})" for digits in (15, 17))  # without ! no more than 16 are given
    return f"CASE WHEN CAST({short} AS REAL) = {number} THEN {short} ELSE {long} END"


def _words(shown: str, tab: str) -> str:
    more = "CASE WHEN comparator IS NOT NULL OR shown_value IS NOT NULL"
    return (
        f"flags || {more} THEN {tab} || coalesce(comparator, '') ELSE '' END || "
        f"coalesce({tab} || {shown} || ' ' || shown_unit, '')"
    )


def _widen_file(table: str) -> None:
    bound, flags, number, unit = _told("char(9)", "instr")
    op.execute(f"ALTER TABLE {table} RENAME TO before")
    op.execute(
        f"CREATE TABLE {table} (patient_id INTEGER NOT NULL, metric INTEGER NOT NULL, at BIGINT NOT NULL, "
        "reading_id BIGINT NOT NULL, value FLOAT NOT NULL, comparator VARCHAR(1), device_id INTEGER, "
        "profile VARCHAR(20) NOT NULL, flags TEXT NOT NULL, shown_value FLOAT, shown_unit VARCHAR(16), "
        f"CONSTRAINT pk_{table} PRIMARY KEY ({_KEYS[table]})) WITHOUT ROWID"
    )
    op.execute(
        f"INSERT INTO {table} SELECT {_KEY}, centi / 100.0, {bound}, nullif(source / 32, 0), {_NAME}, {flags}, "
        f"{number}, {unit} FROM before"
    )
    op.execute("DROP TABLE before")


def _told(tab: str, place: str) -> tuple[str, str, str, str]:
    """Of ``words`` the bound, the flags, what the device showed, and its unit; ``place`` finds a text in another."""
    flags, rest = _cut("words", tab, place)
    bound, shown = _cut(rest, tab, place)
    number, unit = _cut(shown, "' '", place)
    return (
        f"nullif({bound}, '')",
        flags,
        f"CAST(nullif({number}, '') AS FLOAT)",
        f"CASE {number} WHEN '' THEN NULL ELSE {unit} END",
    )


def _cut(words: str, by: str, place: str) -> tuple[str, str]:
    """What stands before the first ``by``, and what stands after it."""
    at = f"{place}({words} || {by}, {by})"
    return f"substr({words}, 1, {at} - 1)", f"substr({words}, {at} + 1)"


def _narrow(table: str) -> None:
    """One pass over each partition: the columns become what they are now, each from what they were."""
    op.execute(f"ALTER TABLE {table} DROP CONSTRAINT pk_{table}")
    op.execute(
        f"ALTER TABLE {table} ALTER COLUMN value TYPE bigint USING round(value * 100)::bigint, "
        f"ALTER COLUMN device_id TYPE bigint USING coalesce(device_id, 0) * 32 + {_CODE}, "
        f"ALTER COLUMN flags TYPE text USING {_words('shown_value::text', 'chr(9)')}"
    )
    op.execute(f"ALTER TABLE {table} ALTER COLUMN device_id SET NOT NULL")
    for before, now in (("value", "centi"), ("device_id", "source"), ("flags", "words")):
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {before} TO {now}")
    for gone in ("comparator", "profile", "shown_value", "shown_unit"):
        op.execute(f"ALTER TABLE {table} DROP COLUMN {gone}")
    _set_key(table, 0)


def _widen(table: str) -> None:
    bound, flags, number, unit = _told("chr(9)", "strpos")
    op.execute(f"ALTER TABLE {table} DROP CONSTRAINT pk_{table}")
    added = ("comparator varchar(1)", "profile varchar(20)", "shown_value float", "shown_unit varchar(16)")
    op.execute(f"ALTER TABLE {table} " + ", ".join(f"ADD COLUMN {column}" for column in added))
    op.execute(
        f"UPDATE {table} SET comparator = {bound}, profile = {_NAME}, shown_value = {number}, shown_unit = {unit}"
    )
    op.execute(f"ALTER TABLE {table} ALTER COLUMN profile SET NOT NULL, ALTER COLUMN source DROP NOT NULL")
    op.execute(
        f"ALTER TABLE {table} ALTER COLUMN centi TYPE float USING centi / 100.0, "
        f"ALTER COLUMN source TYPE bigint USING nullif(source / 32, 0), ALTER COLUMN words TYPE text USING {flags}"
    )
    for before, now in (("value", "centi"), ("device_id", "source"), ("flags", "words")):
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {now} TO {before}")
    _set_key(table, 1)


def _set_key(table: str, which: int) -> None:
    include = f" INCLUDE ({_IN_KEY[table][which]})" if table in _IN_KEY else ""
    op.execute(f"ALTER TABLE {table} ADD CONSTRAINT pk_{table} PRIMARY KEY ({_KEYS[table]}){include}")
