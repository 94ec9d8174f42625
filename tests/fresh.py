"""A new database to copy: making one takes longer than most tests."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from hub.adapters.sql.engine import make_engine
from hub.adapters.sql.migrate import upgrade


@cache
def fresh_database() -> bytes:
    """The file of an embedded database at this version's schema, with nothing in it."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "hub.db"
        engine = make_engine(f"sqlite:///{file}", checkpoints=True)
        upgrade(engine)
        engine.dispose()
        return file.read_bytes()
