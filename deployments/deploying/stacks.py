"""A stack of CloudFormation: what it has, how it is brought to something else, and how it is mended.

Changes go through change sets, so that they can be looked at first. A parameter that isn't told keeps its value.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, field

from .aws import AWS, Refused
from .options import option_of
from .templates import Template
from .terminal import Failed, Terminal

#: Stacks that were never made, or only in part: nothing of them works, so they are taken away and made anew.
UNFINISHED = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "REVIEW_IN_PROGRESS", "DELETE_FAILED")
GOOD = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
#: Seconds between two looks at what CloudFormation does.
PAUSE = float(os.environ.get("FLUIDITY_DEPLOY_PAUSE", "3"))
#: The longest that CloudFormation may take for one change. A service that doesn't settle takes it three hours.
PATIENCE = 4 * 3600
#: And until it begins.
START = 60


@dataclass
class StackState:
    """What AWS knows of a stack."""

    status: str
    parameters: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def is_busy(self) -> bool:
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"


class Stack:
    """One stack by its name, and the template that it is made of."""

    def __init__(self, aws: AWS, terminal: Terminal, name: str, template: Template):
        self.aws = aws
        self.terminal = terminal
        self.name = name
        self.template = template
        #: What an attempt to make it was told that left nothing usable.
        self.remembered: dict[str, str] = {}
        self._seen: set[str] = set()

    def read(self) -> StackState | None:
        """The stack, or nothing where there is none."""
        try:
            found = self.aws.look("cloudformation", "describe-stacks", "--stack-name", self.name, missing=())
        except Refused as refusal:
            if refusal.code == "ValidationError" and "not exist" in refusal.message:
                return None
            raise
        stack = found["Stacks"][0]
        return StackState(
            status=stack["StackStatus"],
            parameters={each["ParameterKey"]: each.get("ParameterValue", "") for each in stack.get("Parameters", [])},
            outputs={each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])},
            tags={each["Key"]: each["Value"] for each in stack.get("Tags", [])},
        )

    # What was left by an earlier call

    def settle(self) -> StackState | None:
        """Waits for what goes on, and mends what was left. What comes back can be changed; nothing means that it has to be
        made, with the values that `remembered` has."""
        state = self.read()
        if state and state.is_busy:
            self.terminal.say(f"stack {self.name}: {state.status}, which is waited for")
            if self.terminal.dry:
                return state
            state = self._wait()
        if state and state.status == "UPDATE_ROLLBACK_FAILED":
            self.terminal.say(f"stack {self.name}: an update and its taking back have failed; the taking back is tried again")
            self._seen = {event["EventId"] for event in self._events()}
            self.aws.change("cloudformation", "continue-update-rollback", "--stack-name", self.name)
            state = state if self.terminal.dry else self._wait(begun=False)
        if state and state.status in UNFINISHED:
            if state.status != "REVIEW_IN_PROGRESS":
                self.terminal.say(f"stack {self.name}: {state.status}, left by an earlier call; it is taken away and made anew")
                for reason in self._reasons():
                    self.terminal.tell(reason)
            self.remembered = {key: value for key, value in state.parameters.items() if key != "KeepDesiredCount"}
            self.remove()
            return None
        return state

    # Changes

    def bring(self, state: StackState | None, told: dict[str, str], *, upgrade: bool, tags: dict[str, str]) -> bool:
        """Makes the stack, or changes what is told and nothing else; after the change set was looked at. False if the user
        doesn't want it. `state` is what `settle` returned. Without `upgrade` the template stays as it is, too."""
        kind = "UPDATE" if state else "CREATE"
        parameters = self._parameters(state, told, upgrade)
        arguments = ["--stack-name", self.name, "--change-set-name", f"fluidity-{int(time.time() * 1000)}", "--change-set-type", kind]
        arguments += ["--capabilities", "CAPABILITY_IAM", "--parameters", json.dumps(parameters)]
        if state and not upgrade:
            arguments.append("--use-previous-template")
        else:
            arguments += ["--template-body", f"file://{self.template.path}"]
        if tags:
            kept = {**(state.tags if state else {}), **tags}
            arguments += ["--tags", json.dumps([{"Key": key, "Value": value} for key, value in sorted(kept.items())])]
        self._seen = {event["EventId"] for event in self._events()} if state else set()
        self._show_values(state, told)
        try:
            made = self.aws.change("cloudformation", "create-change-set", *arguments)
        except Refused as refusal:
            if "No updates are to be performed" not in refusal.message:
                raise
            made = None
        if self.terminal.dry:
            return True
        changes = self._change_set(made["Id"]) if made else None
        if changes is None:
            self.terminal.tell("nothing to change")
            return True
        for change in changes:
            self.terminal.tell(_line(change))
        if not self.terminal.agree(f"Change the stack {self.name} like this?"):
            self._forget(made["Id"], state)
            return False
        self.aws.change("cloudformation", "execute-change-set", "--stack-name", self.name, "--change-set-name", made["Id"])
        after = self._wait(begun=False)
        if after is None or after.status not in GOOD:
            reasons = "; ".join(self._reasons()[:5]) or "AWS gives no reason"
            what = "it is as it was before" if kind == "UPDATE" else "the next call takes it away and makes it anew"
            raise Failed(f"the stack {self.name} can't be brought to that: {reasons}. Its status is {after and after.status}; {what}")
        return True

    def _parameters(self, state: StackState | None, told: dict[str, str], upgrade: bool) -> list[dict]:
        if state is None:
            # What an attempt before this one was told still counts.
            values = {key: value for key, value in self.remembered.items() if key in self.template.parameters}
            values.update({key: value for key, value in told.items() if key in self.template.parameters})
            return [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]
        known = set(self.template.parameters) if upgrade else set(state.parameters)
        unknown = [key for key in told if key not in known]
        if unknown:
            names = ", ".join(option_of(each) for each in unknown)
            raise Failed(f"the stack {self.name} is of an earlier version, which knows nothing of {names}: add --upgrade")
        result = [{"ParameterKey": key, "ParameterValue": value} for key, value in told.items()]
        for key in state.parameters:
            if key in known and key not in told:
                result.append({"ParameterKey": key, "UsePreviousValue": True})
        return sorted(result, key=lambda each: each["ParameterKey"])

    def _show_values(self, state: StackState | None, told: dict[str, str]):
        if state is None:
            self.terminal.say(f"stack {self.name}: it is made")
            return
        changed = {key: value for key, value in told.items() if state.parameters.get(key) != value and key != "KeepDesiredCount"}
        self.terminal.say(f"stack {self.name}: {len(changed) or 'no'} value{'' if len(changed) == 1 else 's'} changed")
        for key, value in sorted(changed.items()):
            self.terminal.tell(f"{key}: {state.parameters.get(key, '(not there)') or '(empty)'} -> {value or '(empty)'}")

    def _change_set(self, identifier: str) -> list[dict] | None:
        """What would change; nothing if that is nothing."""
        with self.terminal.waiting(f"Stack {self.name}: what would change is found out"):
            return self._looked_at(identifier)

    def _looked_at(self, identifier: str) -> list[dict] | None:
        deadline = time.monotonic() + 600
        while True:
            found = self.aws.ask("cloudformation", "describe-change-set", "--stack-name", self.name, "--change-set-name", identifier)
            if found["Status"] == "CREATE_COMPLETE":
                return [each["ResourceChange"] for each in found.get("Changes", []) if "ResourceChange" in each]
            if found["Status"] == "FAILED":
                reason = found.get("StatusReason", "")
                self.aws.change("cloudformation", "delete-change-set", "--stack-name", self.name, "--change-set-name", identifier)
                if "didn't contain changes" in reason or "No updates are to be performed" in reason:
                    return None
                raise Failed(f"the change of the stack {self.name} is refused: {reason}")
            if time.monotonic() > deadline:
                raise Failed(f"AWS doesn't say what would change in the stack {self.name}; call this again")
            time.sleep(PAUSE)

    def _forget(self, change_set: str, state: StackState | None):
        self.aws.change("cloudformation", "delete-change-set", "--stack-name", self.name, "--change-set-name", change_set)
        if state is None:
            # A stack that was only to be looked at would stay for ever.
            self.aws.change("cloudformation", "delete-stack", "--stack-name", self.name)

    def remove(self):
        """Takes the stack away, and waits until it is."""
        if self.terminal.dry:
            self.aws.change("cloudformation", "delete-stack", "--stack-name", self.name)
            return
        self._seen = {event["EventId"] for event in self._events()}
        self.aws.change("cloudformation", "delete-stack", "--stack-name", self.name)
        state = self._wait(begun=False)
        if state is not None and state.status != "DELETE_COMPLETE":
            raise Failed(f"the stack {self.name} can't be taken away: {'; '.join(self._reasons()[:5]) or state.status}")

    # Watching

    def _wait(self, begun: bool = True) -> StackState | None:
        """Shows what happens until nothing does any more. Nothing, once the stack is gone. What was asked for just now, and hasn't
        `begun`, isn't seen at once: until the stack has an event of it, its status is that of before."""
        with self.terminal.waiting(f"Stack {self.name}: AWS begins"):
            return self._watched(begun)

    def _watched(self, begun: bool) -> StackState | None:
        deadline = time.monotonic() + PATIENCE
        start = time.monotonic() + START
        done: set[str] = set()
        while True:
            state = self.read()
            if state:
                for event in reversed(self._events()):
                    if self._show(event):
                        begun = True
                        if event["ResourceStatus"].endswith("_COMPLETE"):
                            done.add(event.get("LogicalResourceId", ""))
                if begun:
                    self.terminal.status(f"Stack {self.name}: {state.status}, {len(done)} resource{'' if len(done) == 1 else 's'} done")
            if state is None or not state.is_busy and (begun or time.monotonic() > start):
                return state
            if time.monotonic() > deadline:
                raise Failed(f"the stack {self.name} is still {state.status}; call this again later")
            time.sleep(PAUSE)

    def _events(self) -> list[dict]:
        """The newest first."""
        try:
            found = self.aws.ask("cloudformation", "describe-stack-events", "--stack-name", self.name, "--max-items", "100")
        except Refused:
            return []
        return found.get("StackEvents", [])

    def _show(self, event: dict) -> bool:
        """Whether it is a new one, of something that goes on."""
        if event["EventId"] in self._seen:
            return False
        self._seen.add(event["EventId"])
        reason = event.get("ResourceStatusReason")
        self.terminal.tell(
            f"{event['ResourceStatus']:<24} {event.get('LogicalResourceId', '')}" + (f": {reason}" if reason else "")
        )
        return event["ResourceStatus"] != "REVIEW_IN_PROGRESS"

    def _reasons(self) -> list[str]:
        """Why it failed last, the first cause first; what was only given up because of it isn't told."""
        reasons = []
        for event in self._events():
            reason = event.get("ResourceStatusReason", "")
            if event.get("ResourceType") == "AWS::CloudFormation::Stack" and event["ResourceStatus"] in (
                "CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS",
            ):  # fmt: skip
                break
            if event["ResourceStatus"].endswith("_FAILED") and "cancelled" not in reason:
                reasons.append(f"{event['LogicalResourceId']}: {reason}")
        return reasons[::-1]


def _line(change: dict) -> str:
    replaced = change.get("Replacement")
    note = {"True": ", replaced", "Conditional": ", perhaps replaced"}.get(str(replaced), "")
    return f"{change.get('Action', '?').lower():<8} {change.get('LogicalResourceId')} ({change.get('ResourceType')}{note})"
