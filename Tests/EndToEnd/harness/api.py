"""docs/admin.openapi.yaml, held to what the admin listener answers."""

import json

import jsonschema
import yaml

from .fluidity import ROOT
from .wire import Message

_DOCUMENT = yaml.safe_load((ROOT / "docs/admin.openapi.yaml").read_text())


def paths() -> dict:
    """Every path with its methods."""
    return _DOCUMENT["paths"]


def checked(response: Message, path: str, method: str = "get") -> dict:
    """The answer's JSON, which is as the document says; a status that the document hasn't is an error."""
    described = _DOCUMENT["paths"][path][method]["responses"][str(response.status)]
    schema = described["content"]["application/json"]["schema"]
    answer = json.loads(response.body)
    jsonschema.Draft202012Validator({**schema, "components": _DOCUMENT["components"]}).validate(answer)
    assert response.get("content-type") == "application/json" and response.get("cache-control") == "no-store"
    return answer
