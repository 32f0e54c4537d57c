"""What is there, for people."""

from __future__ import annotations

from .deployment import Deployment
from .options import OWN, option_of


def show(deployment: Deployment):
    """Every value of both stacks, with its option, and whether somebody chose it."""
    for stack in (deployment.server, deployment.control):
        state = stack.read()
        print(f"{stack.name}: {state.status if state else 'not there'}")
        if state is None:
            continue
        for name, value in sorted(state.parameters.items()):
            parameter = stack.template.parameters.get(name)
            option = "" if name in OWN else option_of(name)
            chosen = "" if parameter is None or value == (parameter.default or "") or name in OWN else "  (chosen)"
            print(f"  {option or name:<28} {value or '(empty)'}{chosen}")
        for name in stack.template.parameters:
            if name not in state.parameters:
                print(f"  {option_of(name):<28} not known to this stack yet; --upgrade brings it")
        for key, value in sorted(state.tags.items()):
            print(f"  {'--tag':<28} {key}={value}")


def status(deployment: Deployment):
    """The stacks, the service's tasks, why the last one stopped, where the control plane is."""
    states = {}
    for stack in (deployment.server, deployment.control):
        states[stack.name] = stack.read()
        print(f"{stack.name:<28} {states[stack.name].status if states[stack.name] else 'not there'}")
    if states[deployment.server.name]:
        _tasks(deployment)
    control = states[deployment.control.name]
    for output in ("WakeEndpoint", "KillEndpoint", "StatusEndpoint"):
        if control and output in control.outputs:
            print(f"{output}: {control.outputs[output]}")


def _tasks(deployment: Deployment):
    aws, name = deployment.aws, deployment.name
    found = aws.look("ecs", "describe-services", "--cluster", name, "--services", name, missing=("ClusterNotFoundException",))
    for service in (found or {}).get("services", []):
        print("tasks: {desiredCount} desired, {runningCount} running, {pendingCount} pending".format(**service))
    if found is None:
        return
    stopped = aws.ask("ecs", "list-tasks", "--cluster", name, "--desired-status", "STOPPED").get("taskArns", [])
    if stopped:
        tasks = aws.ask("ecs", "describe-tasks", "--cluster", name, "--tasks", *stopped[:100])["tasks"]
        last = max(tasks, key=lambda task: str(task.get("stoppedAt", "")))
        print(f"last stopped: {last.get('stoppedAt', '?')} {last.get('stoppedReason', '')}")


