"""Templates from files: the site's own first, errors name the file."""

from pathlib import Path

import pytest

from hub.adapters.protocol_files import load_template, load_templates
from hub.errors import BrokenProtocol
from tests.unit.domain.builders import SHIPPED


def put(directory: Path, name: str, text: str) -> Path:
    directory.mkdir(exist_ok=True)
    (directory / f"{name}.yaml").write_text(text, encoding="utf-8")
    return directory / f"{name}.yaml"


def shipped(name: str = "copd") -> str:
    return (SHIPPED / f"{name}.yaml").read_text(encoding="utf-8")


def test_a_sites_own_file_goes_before_the_shipped_one(tmp_path: Path) -> None:
    put(tmp_path / "site", "copd", shipped().replace("title: COPD", "title: COPD at Riverside"))
    templates = load_templates([tmp_path / "site", tmp_path / "none", SHIPPED])
    assert templates["copd"].protocol.title == "COPD at Riverside"
    assert templates["copd"].path.parent == tmp_path / "site"
    assert templates["diabetes"].path.parent == SHIPPED


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("id: copd\nid: copd\n", "id stands there twice"),
        ("rules:\n  - {when: 1, when: 2}\n", "when stands there twice"),
        ("id: [", "cannot be read"),
        ("!!python/object/apply:os.getcwd []", "cannot be read"),
        ("- 1", "document: must be a mapping"),
        ("", "document: must be a mapping"),
        (None, "rules[0].limits[0].clear: 90"),
        ("RENAMED", "id: diabetes must be the file's name"),
    ],
)
def test_errors_name_the_file(tmp_path: Path, text: str | None, sentence: str) -> None:
    if text is None:
        text = shipped().replace('"< 93", clear: 94', '"< 93", clear: 90', 1)
    path = put(tmp_path, "copd", shipped("diabetes") if text == "RENAMED" else text)
    with pytest.raises(BrokenProtocol) as raised:
        load_template(path)
    assert str(path) in str(raised.value)
    assert sentence in str(raised.value)


def test_a_broken_file_of_the_site_is_not_quietly_replaced_by_the_shipped_one(tmp_path: Path) -> None:
    put(tmp_path, "copd", "id: copd\n")
    with pytest.raises(BrokenProtocol):
        load_templates([tmp_path, SHIPPED])
