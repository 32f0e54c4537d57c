"""From the command line to what is done."""

from __future__ import annotations

import sys
from pathlib import Path

from . import options, views
from .aws import AWS, Refused
from .deployment import Deployment
from .terminal import USAGE, Failed, Terminal

ROOT = Path(__file__).resolve().parents[2]


def main(arguments: list[str]) -> int:
    """The exit status: 0, 64 for wrong usage, 65 for a configuration that can't work, 69 for what can't be had."""
    try:
        request = options.read(arguments)
        terminal = Terminal(dry=request.dry, agreed=request.yes)
        deployment = Deployment(request, AWS(terminal, request.region), terminal, ROOT)
        if request.action == "deploy":
            deployment.deploy()
        elif request.action == "show":
            views.show(deployment)
        elif request.action == "status":
            views.status(deployment)
        elif request.action == "keys":
            _keys(deployment, request.words)
        else:
            deployment.delete()
        return 0
    except Failed as failure:
        print(f"deploy: {failure}", file=sys.stderr)
        return failure.status
    except Refused as refusal:
        print(f"deploy: AWS refused {refusal} ({refusal.code})", file=sys.stderr)
        return 69
    except KeyboardInterrupt:
        print("\ndeploy: ended in the middle; the same call again goes on where this one was", file=sys.stderr)
        return 130


def _keys(deployment: Deployment, words: list[str]):
    if words == ["list"]:
        deployment.keys.list()
    elif len(words) == 2 and words[0] == "add":
        deployment.keys.add(words[1])
    elif len(words) == 2 and words[0] == "delete":
        deployment.keys.delete(words[1])
    else:
        raise Failed("it is 'keys list', 'keys add NAME' or 'keys delete NAME'", USAGE)
