"""The AWS command line, without the second that each start of it takes: a server has it loaded and forks for each call.

What a call prints and answers is the real command line's. A call that changes something can be made the last one of whoever
made it: see `AWSCommand.fatal`.
"""

import os
import re
import signal
import socket
import sys
from pathlib import Path

from .processes import Process
from .waiting import wait_until

#: What changes nothing.
_LOOKS = re.compile(r"(describe|get|list|head|batch-get)-|configure$")

_CLIENT = """#!{python} -ISE
import json, os, signal, socket, sys
channel = socket.socket(socket.AF_UNIX)
channel.connect({path!r})
call = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
socket.send_fds(channel, [len(call).to_bytes(4, "big")], [0, 1, 2])
channel.sendall(call)
status = channel.recv(1)
if status[1:] or not status: sys.exit(255)
if os.path.exists({fatal!r}) and {changes}:
    words = sys.argv[1:]
    about = [words[i + 1] for i, word in enumerate(words[:-1]) if word in ("--stack-name", "--secret-id", "--name")]
    step = " ".join(words[:2] + about)
    with open({fatal!r}, "r+") as file:
        if step not in file.read().splitlines():
            file.write(step + chr(10))
            os.kill(os.getppid(), signal.SIGKILL)
sys.exit(status[0])
"""


class AWSCommand:
    """A folder with an `aws` in it, for PATH."""

    def __init__(self, place: Path):
        place.mkdir(parents=True, exist_ok=True)
        self.folder = place
        self.log = place / "calls"
        self.log.touch()
        #: While this file is there, a call that changes something kills its caller when it has done so: the first of its kind, which
        #: stands in the file from then on.
        self.fatal = place / "fatal"
        self.program = place / "aws"
        path = str(place / "socket")
        looks = f"not any(__import__('re').match({_LOOKS.pattern!r}, word) for word in sys.argv[1:3])"
        self.program.write_text(_CLIENT.format(python=sys.executable, path=path, fatal=str(self.fatal), changes=looks))
        self.program.chmod(0o755)
        self.process = Process("aws-command", [sys.executable, "-m", "harness.aws_command", path, self.log], place, cwd=Path(__file__).parents[1])
        wait_until(lambda: Path(path).exists(), 60, lambda: f"the command line is loaded; it printed:\n{self.process.tail()}")

    def calls(self) -> list[str]:
        """Every call's arguments, in their order."""
        return self.log.read_text().splitlines()

    def changes(self) -> list[str]:
        return [call for call in self.calls() if not any(_LOOKS.match(word) for word in call.split()[:2])]

    def stop(self):
        self.process.kill()


def serve(path: str, log: str):
    """Forks for each call."""
    import json

    from awscli.clidriver import create_clidriver

    create_clidriver()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(16)
    while True:
        channel, _ = listener.accept()
        if os.fork():
            channel.close()
            continue
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        head, descriptors, _, _ = socket.recv_fds(channel, 4, 3)
        length = int.from_bytes(head, "big")
        data = b""
        while len(data) < length:
            data += channel.recv(length - len(data))
        arguments, folder, environment = json.loads(data)
        with open(log, "a") as file:
            file.write(" ".join(arguments).replace("\n", " ") + "\n")
        for number, descriptor in enumerate(descriptors):
            os.dup2(descriptor, number)
        os.chdir(folder)
        data = os.environ.get("AWS_DATA_PATH", "")
        os.environ.clear()
        # The command line's own, which it sets for itself when it is loaded.
        os.environ.update({"AWS_DATA_PATH": data, **environment})
        sys.argv = ["aws", *arguments]
        try:
            status = create_clidriver().main(arguments)
        except SystemExit as end:
            status = end.code or 0
        except BaseException as error:
            print(error, file=sys.stderr)
            status = 255
        sys.stdout.flush()
        sys.stderr.flush()
        channel.sendall(bytes([status & 0xFF]))
        os._exit(0)


if __name__ == "__main__":
    serve(*sys.argv[1:])
