"""The server's pipeline: checked here, kept on AWS, read and watched by the task."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from .aws import AWS
from .certificates import Certificates, Fluidity, Secrets
from .terminal import DATA, Failed, Terminal

#: What a parameter of Systems Manager holds, in bytes, and what a secret holds.
PARAMETER_LIMIT, SECRET_LIMIT = 8 << 10, 64 << 10
#: Stages that the task sets keys of, and what becomes of a server without them.
NEEDED = {
    "ACCEPT_LISTEN": "the stage 'accept', whose port the task sets",
    "METRICS_CLOUDWATCH_SERVICE": "the stage 'metrics', by which the control plane knows whether the server is used",
}


def check(file: Path, fluidity: Fluidity, certificates: Certificates):
    """Checks the file as the task will read it: in a folder of its own, with what the task has in its environment."""
    if not file.is_file():
        raise Failed(f"there is no file {file}", DATA)
    with tempfile.TemporaryDirectory(prefix="fluidity-check-") as place:
        folder = Path(place)
        copy = folder / "server.yaml"
        shutil.copy(file, copy)
        if not certificates.are_there:
            certificates = Certificates(folder / "certs", Fluidity(fluidity.root, Terminal()))
            certificates.complete("fluidity-server", renew=False)
        environment = {key: value for key, value in os.environ.items() if not key.startswith("FLUIDITY_")}
        environment |= {
            "FLUIDITY_CERTIFICATE": str(certificates.folder.resolve() / "server.pem"),
            "FLUIDITY_KEY": str(certificates.folder.resolve() / "server-key.pem"),
            "FLUIDITY_CA": str(certificates.folder.resolve() / "ca.pem"),
            "FLUIDITY_ADMIN_LISTEN": "127.0.0.1:9900",
            "FLUIDITY_PIPELINE_ACCEPT_LISTEN": "0.0.0.0:8443",
            "FLUIDITY_PIPELINE_METRICS_CLOUDWATCH_SERVICE": "fluidity",
        }
        command = [fluidity.path, "check", "--host", "server", str(copy)]
        result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment)
        said = (result.stdout + result.stderr).replace(str(copy), str(file)).strip()
        if result.returncode:
            more = ""
            if "there is no stage" in said:
                more = "\nFLUIDITY_BIN can name the program of a package that has the stage"
            if "doesn't exist" in said:
                more = "\nThe task has no files of this machine: certificates are ${env:FLUIDITY_CERTIFICATE}, _KEY and _CA there"
            raise Failed(f"the configuration can't work:\n{said}{more}", DATA)
        for variable, stage in NEEDED.items():
            if re.search(rf"FLUIDITY_PIPELINE_{variable}: warning", said):
                raise Failed(f"the pipeline in {file} lacks {stage}", DATA)


def put(aws: AWS, terminal: Terminal, name: str, file: Path, key: str, tags: dict[str, str]) -> dict[str, str]:
    """Keeps the text on AWS, and returns the parameters of the server's stack that say where. The same text isn't put again."""
    text = file.read_text(encoding="utf-8")
    size = len(text.encode())
    if size > SECRET_LIMIT:
        raise Failed(f"{file} has {size} bytes; {SECRET_LIMIT} is the most that AWS keeps for us", DATA)
    if size > PARAMETER_LIMIT:
        arn = Secrets(aws, terminal, name).put("server.yaml", file, key, tags)
        return {"ConfigSecret": arn, "ConfigParameter": ""}
    parameter = parameter_name(name)
    # References in a text would be taken for other parameters' values by nobody: the command line passes it on as it is.
    had = aws.look("ssm", "get-parameter", "--name", parameter, "--with-decryption", missing=("ParameterNotFound",))
    if had is None or had["Parameter"]["Value"] != text:
        more = ["--key-id", key] if key else []
        aws.change(
            "ssm", "put-parameter", "--name", parameter, "--type", "SecureString", "--tier", "Intelligent-Tiering", "--overwrite",
            "--value", f"file://{file}", *more,
        )  # fmt: skip
        terminal.say(f"the pipeline is in the parameter {parameter}; a server that runs takes it over within a minute")
    else:
        terminal.say(f"the pipeline in the parameter {parameter} is this one already")
    return {"ConfigParameter": parameter, "ConfigSecret": ""}


def parameter_name(name: str) -> str:
    return f"/{name}/server.yaml"


def remove(aws: AWS, terminal: Terminal, name: str):
    """Takes away wherever it is kept."""
    Secrets(aws, terminal, name).remove("server.yaml")
    if aws.look("ssm", "get-parameter", "--name", parameter_name(name), missing=("ParameterNotFound",)) is not None:
        aws.change("ssm", "delete-parameter", "--name", parameter_name(name))
