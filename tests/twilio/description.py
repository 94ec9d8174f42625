"""Twilio's own description of its API, cut to what is used here and made strict about it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

NPM = Path(__file__).resolve().parents[1] / "npm" / "node_modules"
DESCRIPTION = NPM / "@twilio" / "cli-core" / "src" / "services" / "twilio-api" / "twilio_api_v2010.json"

BASE = "/2010-04-01/Accounts"
MESSAGES = f"{BASE}/{{AccountSid}}/Messages.json"
USED = {
    MESSAGES: ("post", "get"),
    f"{BASE}/{{AccountSid}}/Messages/{{Sid}}.json": ("get",),
    f"{BASE}/{{AccountSid}}/IncomingPhoneNumbers.json": ("get",),
    f"{BASE}/{{Sid}}.json": ("get",),
}
METHODS = {"get", "post", "delete"}
REFUSALS = ("400", "401", "404", "429", "500", "503")
"""What it answers when it refuses; its description has the good answers only."""

REFUSAL = {
    "type": "object",
    "required": ["code", "message", "more_info", "status"],
    "properties": {
        "code": {"type": "integer"},
        "message": {"type": "string"},
        "more_info": {"type": "string"},
        "status": {"type": "integer"},
    },
    "additionalProperties": False,
}
TO = r"^\+[1-9]\d{1,14}$"


def write_strict(file: Path) -> Path:
    """The description as a file that a proxy can hold requests and answers to."""
    file.write_text(json.dumps(strict(json.loads(DESCRIPTION.read_text()))))
    return file


def strict(whole: Mapping[str, Any]) -> dict[str, Any]:
    """The used part: a name that is not described is refused, as is a number that is none."""
    document = dict(whole)
    document["paths"] = {path: _used(whole["paths"][path], methods) for path, methods in USED.items()}
    schemas = {**whole["components"]["schemas"], "refusal": REFUSAL}
    needed = _needed(document["paths"], schemas)
    document["components"] = {**whole["components"], "schemas": {name: schemas[name] for name in sorted(needed)}}
    form = document["paths"][MESSAGES]["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"]
    form["schema"]["properties"]["To"]["pattern"] = TO
    form["schema"]["additionalProperties"] = False
    form["schema"] = {"oneOf": [form["schema"]]}  # of a form whose properties stand outermost Prism drops all others
    _loosen(document)
    return document


def _used(path: Mapping[str, Any], methods: tuple[str, ...]) -> dict[str, Any]:
    kept = {name: said for name, said in path.items() if name not in METHODS or name in methods}
    refusal = {
        "description": "refused",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/refusal"}}},
    }
    for method in methods:
        kept[method] = {**kept[method], "responses": {**kept[method]["responses"], **dict.fromkeys(REFUSALS, refusal)}}
    return kept


def _needed(part: Any, schemas: Mapping[str, Any]) -> set[str]:
    """The schemas that a part of the document refers to, and those that these refer to."""
    found: set[str] = set()
    waiting = [part]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Mapping):
            name = str(one.get("$ref", "")).removeprefix("#/components/schemas/")
            if name in schemas and name not in found:
                found.add(name)
                waiting.append(schemas[name])
        waiting += list(one.values()) if isinstance(one, Mapping) else one if isinstance(one, list) else []
    return found


def _loosen(part: Any) -> None:
    """Twilio calls relative addresses URIs; a validator does not."""
    if isinstance(part, dict):
        if part.get("format") in ("uri", "uri-map"):
            del part["format"]
        for one in part.values():
            _loosen(one)
    elif isinstance(part, list):
        for one in part:
            _loosen(one)
