"""The command line: every parameter of both templates is an option."""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

from .templates import Parameter, Template
from .terminal import USAGE, Failed

SERVER, CONTROL = "fargate.yaml", "lambda.yaml"
#: What the names of the deployment follow from; said with --name.
NAMES = {"Name", "ServiceName", "ClusterName"}
#: What the program alone knows.
OWN = NAMES | {"KeepDesiredCount", "KillScheduleState"}
#: Parameters whose options stand with the others that say what is deployed.
APART = {"Image"}
#: Options that aren't called after their parameter.
CALLED = {"VpcId": "vpc", "SubnetIds": "subnets", "IdleThresholdMinutes": "idle-minutes"}
ACTIONS = ("deploy", "show", "status", "keys", "delete")

_INTRODUCTION = """\
Puts Fluidity's server and its control plane on AWS.

  deploy   creates everything, or changes what is there (without an action too). Called with settings alone it changes these
           and nothing else; called without settings, or with --upgrade, it brings templates, image and functions to what
           this folder has. What isn't told stays as it was.
  show     every value of both stacks, with the option that changes it (as deploy --show)
  status   the stacks, the tasks, why the last one stopped
  keys     the keys of agents: keys list, keys add NAME, keys delete NAME
  delete   takes everything away again, after a question
"""


def option_of(parameter: str) -> str:
    """`--log-days` for `LogDays`."""
    name = CALLED.get(parameter) or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", parameter).lower()
    return f"--{name}"


@dataclass
class Request:
    """What was asked for on the command line."""

    action: str
    name: str
    region: str | None
    #: Values of parameters, of the server's stack and the control plane's.
    server: dict[str, str] = field(default_factory=dict)
    control: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    upgrade: bool = False
    image: str | None = None
    archive: Path | None = None
    package: Path | None = None
    config: Path | None = None
    builder: str = "local"
    certificates: Path | None = None
    renew: bool = False
    agent: Path | None = None
    dry: bool = False
    yes: bool = False
    logs: bool = False
    words: list[str] = field(default_factory=list)

    @property
    def has_settings(self) -> bool:
        """Whether something particular was asked for, so that everything else is to stay."""
        return bool(self.server or self.control or self.tags or self.image or self.archive or self.config or self.renew)


def parameters() -> dict[str, list[tuple[str, Parameter]]]:
    """Every parameter by its name, with the templates that have it."""
    found: dict[str, list[tuple[str, Parameter]]] = {}
    for template in (SERVER, CONTROL):
        for name, parameter in Template(template).parameters.items():
            found.setdefault(name, []).append((template, parameter))
    return found


def read(arguments: list[str]) -> Request:
    """The request, or `Failed` with what is wrong with it."""
    known = parameters()
    parser = _parser(known)
    if arguments and not arguments[0].startswith("-"):
        action, arguments = arguments[0], arguments[1:]
        if action not in ACTIONS:
            raise Failed(f"there is no action '{action}': it is one of {', '.join(ACTIONS)}", USAGE)
    else:
        action = "deploy"
    told = parser.parse_args(arguments)
    if told.show:
        action = "show"
    if told.words and action != "keys":
        raise Failed(f"'{told.words[0]}' is no option; --help lists them", USAGE)
    request = Request(
        action=action, name=told.name, region=told.region, upgrade=told.upgrade, image=told.image, archive=told.archive,
        package=told.package, config=told.config, builder=told.builder, certificates=told.certificates, renew=told.renew_certificates,
        agent=told.agent, dry=told.dry_run, yes=told.yes, logs=told.logs, words=told.words,
    )  # fmt: skip
    if not re.fullmatch(r"[a-zA-Z][a-zA-Z0-9-]{0,20}", request.name):
        raise Failed(f"--name is a letter and up to 20 letters, digits and hyphens, not '{request.name}'", USAGE)
    if request.image and request.package:
        raise Failed("--image and --package say the same: give one", USAGE)
    for tag in told.tag:
        key, equals, value = tag.partition("=")
        if not equals or not key:
            raise Failed(f"--tag wants KEY=VALUE, not '{tag}'", USAGE)
        request.tags[key] = value
    _take(request, told, known)
    return request


def _take(request: Request, told: argparse.Namespace, known: dict[str, list[tuple[str, Parameter]]]):
    for name, places in known.items():
        value = None if name in OWN | APART else getattr(told, f"parameter_{name}")
        if value is None:
            continue
        if name == "KillSchedule":
            request.control["KillScheduleState"] = "DISABLED" if value == "off" else "ENABLED"
            if value == "off":
                continue
        for template, parameter in places:
            # Lambda writes the architectures in its own way.
            spelt = value.lower() if name == "Architecture" and template == CONTROL else value
            if problem := parameter.problem(spelt):
                raise Failed(f"{option_of(name)} {problem}, not '{value}'", USAGE)
            (request.server if template == SERVER else request.control)[name] = spelt


class _Parser(argparse.ArgumentParser):
    def error(self, message: str):
        found = re.match(r"unrecognized arguments: (\S+)", message)
        if found:
            message = f"there is no option {found[1]}; --help lists them"
        message = re.sub(r"^argument (\S+): expected one argument", r"\1 wants a value", message)
        raise Failed(message, USAGE)


def _parser(known: dict[str, list[tuple[str, Parameter]]]) -> argparse.ArgumentParser:
    parser = _Parser(
        prog="deployments/deploy", description=_INTRODUCTION, allow_abbrev=False,
        usage="deployments/deploy [deploy|show|status|keys|delete] [options]",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("words", nargs="*", help=argparse.SUPPRESS)
    where = parser.add_argument_group("which deployment")
    where.add_argument("--name", default="fluidity", help="begins every name on AWS (fluidity)")
    where.add_argument("--region", help="where (the AWS command line's)")
    how = parser.add_argument_group("how")
    how.add_argument("--yes", action="store_true", help="does it without showing the changes first and asking; for scripts")
    how.add_argument("--dry-run", action="store_true", help="says what would be done, and does nothing")
    how.add_argument("--show", action="store_true", help="shows every value, with the option that changes it, and does nothing")
    what = parser.add_argument_group("what is deployed")
    what.add_argument("--upgrade", action="store_true", help="templates, image and functions of this folder, beside settings")
    what.add_argument("--image", metavar="URI", help="an image that is in a registry already; without it one is built")
    what.add_argument("--package", type=Path, metavar="DIR", help="a package with stages of your own, from 'fluidity stage new', that the image is built of")  # fmt: skip
    what.add_argument("--builder", choices=["local", "codebuild"], default="local", help="where the image is built: with docker or podman here, or on AWS (local)")  # fmt: skip
    what.add_argument("--archive", type=Path, metavar="FILE", help="the functions' archive; without it one is built")
    what.add_argument("--config", type=Path, metavar="FILE", help="the server's pipeline: checked, and taken over by a running server within a minute")  # fmt: skip
    what.add_argument("--certificates", type=Path, metavar="DIR", help="the private authority and its certificates; made there if missing (run/NAME/certs)")  # fmt: skip
    what.add_argument("--renew-certificates", action="store_true", help="issues the server's certificate anew; a running server takes it over within a minute")  # fmt: skip
    what.add_argument("--tag", action="append", default=[], metavar="KEY=VALUE", help="a tag of everything that is made; may be given several times")  # fmt: skip
    what.add_argument("--agent", type=Path, metavar="FILE", help="the agent's configuration that is written (run/NAME/agent.yaml)")
    what.add_argument("--logs", action="store_true", help="with delete: the logs too, which are kept otherwise")
    values = parser.add_argument_group("values of the stacks, which stay until they are told anew")
    for name, places in known.items():
        if name in OWN | APART:
            continue
        parameter = places[0][1]
        default = "" if not parameter.default else f" ({parameter.default})"
        extra = "; 'off' for never" if name == "KillSchedule" else ""
        values.add_argument(
            option_of(name), dest=f"parameter_{name}", metavar=_metavar(parameter),
            help=f"{parameter.description.rstrip('.')}{extra}{default}".replace("%", "%%"),
        )  # fmt: skip
    return parser


def _metavar(parameter: Parameter) -> str:
    if parameter.allowed and len(parameter.allowed) <= 4:
        return "|".join(parameter.allowed)
    return {"Number": "N", "String": "TEXT"}.get(parameter.kind, "IDS" if parameter.kind.startswith("List") else "ID")


def flag_help() -> str:
    """What --help prints."""
    return _parser(parameters()).format_help()


if __name__ == "__main__":
    sys.stdout.write(flag_help())
