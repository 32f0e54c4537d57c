"""moto's server with what CloudFormation does and moto doesn't: stacks whose creation or change fails, and changes that take
their time. Run as a program: port, and a folder in which a file NAME.fails or NAME.busy says so of the stack NAME."""

import sys
import uuid
from pathlib import Path

from moto.cloudformation import parsing
from moto.cloudformation.models import CloudFormationBackend, Stack
from moto.ecs.models import TaskDefinition


def install(folder: Path):
    clean = parsing.clean_json

    def clean_json(resource_json, resources_map):
        """`AWS::NoValue` in a list is no element of it."""
        cleaned = clean(resource_json, resources_map)
        return [each for each in cleaned if each is not None] if isinstance(cleaned, list) else cleaned

    parsing.clean_json = clean_json
    update = parsing.parse_and_update_resource

    def parse_and_update_resource(logical_id, resource_json, resources_map, account_id, region_name):
        """What a condition has left out so far isn't changed but made, if the condition has changed."""
        if resources_map._parsed_resources.get(logical_id) is None:
            return parsing.parse_and_create_resource(logical_id, resource_json, resources_map, account_id, region_name)
        before = resources_map._parsed_resources[logical_id]
        return update(logical_id, resource_json, resources_map, account_id, region_name) or before

    parsing.parse_and_update_resource = parse_and_update_resource

    def another_revision(cls, original_resource, new_resource_name, cloudformation_json, account_id, region_name):
        """As the first one was made: moto leaves out what it doesn't find under another name of each key."""
        return cls.create_from_cloudformation_json(new_resource_name, cloudformation_json, account_id, region_name)

    TaskDefinition.update_from_cloudformation_json = classmethod(another_revision)
    execute = CloudFormationBackend.execute_change_set
    describe = CloudFormationBackend.describe_stacks

    def fail(stack: Stack, found):
        """As AWS has it: a first event, the resource that failed, and everything taken back. A stack that was never made has what it was
        told all the same."""
        kind = found.change_set_type
        if kind == "CREATE":
            stack.template = found.template
            stack._parse_template()
            stack.resource_map._template = stack.template_dict
            stack.resource_map.input_parameters = found.parameters
            stack.resource_map.load_parameters()
        stack._add_stack_event(f"{kind}_IN_PROGRESS", resource_status_reason="User Initiated")
        stack._add_stack_event(f"{kind}_FAILED", resource_status_reason="The following resource(s) failed: [Service]")
        event = stack.events[-1]
        event.logical_resource_id, event.resource_type = "Service", "AWS::ECS::Service"
        event.resource_status_reason = "Resource handler returned message: the subnets are of another network"
        event.event_id = str(uuid.uuid4())
        status = "ROLLBACK_COMPLETE" if kind == "CREATE" else "UPDATE_ROLLBACK_COMPLETE"
        stack._add_stack_event(status)
        stack.status = status

    def execute_change_set(self, change_set_name, stack_name=None):
        found = self.describe_change_set(change_set_name)
        marker = folder / f"{found.stack.name}.fails"
        if marker.exists():
            marker.unlink()
            return fail(self.stacks[found.stack.stack_id], found)
        execute(self, change_set_name=change_set_name, stack_name=stack_name)
        # What moto leaves as it was: outputs, and the values that the next change is compared with.
        stack = found.stack
        stack._parse_template()
        stack.output_map = stack._create_output_map()
        stack.parameters = dict(stack.stack_parameters)
        stack.tags = found.tags or stack.tags

    def describe_stacks(self, name_or_stack_id):
        """A stack that is busy says so for as many looks as its file has letters."""
        stacks = describe(self, name_or_stack_id)
        for stack in stacks:
            marker = folder / f"{stack.name}.busy"
            if not marker.exists():
                continue
            looks = marker.read_text()
            if looks:
                marker.write_text(looks[1:])
                stack.before = getattr(stack, "before", stack.status)
                stack.status = "UPDATE_IN_PROGRESS"
            else:
                marker.unlink()
                stack.status = stack.before
        return stacks

    def stack_parameters(self) -> dict:
        """Lists as they were told, with commas."""
        values = self.resource_map.resolved_parameters.items()
        return {key: ",".join(value) if isinstance(value, list) else str(value) for key, value in values}

    def parameter_list(self) -> list[dict]:
        return [{"ParameterKey": key, "ParameterValue": value} for key, value in self.stack_parameters.items()]

    Stack.stack_parameters = property(stack_parameters)
    Stack.parameter_list = property(parameter_list)
    CloudFormationBackend.execute_change_set = execute_change_set
    CloudFormationBackend.describe_stacks = describe_stacks


if __name__ == "__main__":
    install(Path(sys.argv[2]))
    from moto.server import main

    main(["-p", sys.argv[1]])
