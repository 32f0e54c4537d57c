"""The same calls to AWS every time, in its own wire format, and what came of them: what a model of AWS is held against."""

import http.client
import json
import time

ECS = "AmazonEC2ContainerServiceV20141113"
CLOUDWATCH = "GraniteServiceVersion20100801"
# The beginning of a minute, in seconds of the Unix epoch, that is less than two weeks old for whoever asks: put in at the time of the call.
MINUTE = "{minute}"


def metric(name, value):
    dimensions = [{"Name": "Service", "Value": "fluidity-server"}]
    return {"MetricName": name, "Dimensions": dimensions, "Timestamp": MINUTE, "Value": value, "Unit": "Count", "StorageResolution": 60}


def query(identifier, name):
    dimensions = [{"Name": "Service", "Value": "fluidity-server"}]
    stat = {"Metric": {"Namespace": "Fluidity", "MetricName": name, "Dimensions": dimensions}, "Period": 60, "Stat": "Maximum"}
    return {"Id": identifier, "MetricStat": stat, "ReturnData": True}


SERVICE = {"cluster": "fluidity", "service": "fluidity-server"}
DESCRIBE = {"cluster": "fluidity", "services": ["fluidity-server"], "include": ["TAGS"]}
CALLS = [
    ("DescribeServices", {"cluster": "fluidity", "services": ["nobody"], "include": ["TAGS"]}),
    ("DescribeServices", DESCRIBE),
    ("TagResource", {"resourceArn": "{service}", "tags": [{"key": "fluidity:woken", "value": "1"}]}),
    ("TagResource", {"resourceArn": "{service}", "tags": [{"key": "fluidity:woken", "value": "2"}, {"key": "fluidity:begun", "value": "2"}]}),
    ("DescribeServices", DESCRIBE),
    ("UpdateService", {**SERVICE, "desiredCount": 1}),
    ("UpdateService", {"cluster": "fluidity", "service": "nobody", "desiredCount": 1}),
    ("ListTasks", {"cluster": "fluidity", "serviceName": "fluidity-server", "desiredStatus": "RUNNING"}),
    ("ListTasks", {"cluster": "fluidity", "serviceName": "fluidity-server", "desiredStatus": "STOPPED"}),
    ("DescribeTasks", {"cluster": "fluidity", "tasks": ["arn:aws:ecs:us-east-1:123456789012:task/fluidity/0123456789abcdef0123456789abcdef"]}),
    ("DescribeTasks", {"cluster": "fluidity", "tasks": ["{task}"]}),
    ("UpdateService", {**SERVICE, "desiredCount": 0}),
    ("DescribeServices", DESCRIBE),
    ("PutMetricData", {"Namespace": "Fluidity", "MetricData": [metric("ActiveStreams", 1), metric("BytesRelayed", 5)]}),
    ("PutMetricData", {"Namespace": "Fluidity", "MetricData": [metric("ActiveStreams", 3), metric("BytesRelayed", 2)]}),
    (
        "GetMetricData",
        {
            "MetricDataQueries": [query("m0", "ActiveStreams"), query("m1", "BytesRelayed"), query("m2", "ActiveConnections")],
            "StartTime": "{minute-600}",
            "EndTime": "{minute+60}",
            "ScanBy": "TimestampAscending",
        },
    ),
]


def filled(value, names):
    """The input with what only the caller knows put in; numbers stay numbers."""
    if isinstance(value, dict):
        return {key: filled(each, names) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, names) for each in value]
    return names.get(value, value) if isinstance(value, str) else value


def emptied(value, names):
    """The output with the names in the place of what only this run has."""
    if isinstance(value, dict):
        return {key: emptied(each, names) for key, each in value.items()}
    if isinstance(value, list):
        return [emptied(each, names) for each in value]
    return names.get(value, value) if not isinstance(value, bool) else value


def shape(value):
    """What the value is made of: the names of an object with the shapes of theirs, of an array the shape of its first."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in sorted(value.items())}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__


def prepare(moto):
    """Makes a task in a moto that has the service, and returns the names of what there is."""
    ecs = moto.client("ecs")
    service = ecs.describe_services(cluster="fluidity", services=["fluidity-server"])["services"][0]["serviceArn"]
    task = ecs.run_task(cluster="fluidity", taskDefinition="fluidity", launchType="FARGATE")["tasks"][0]["taskArn"]
    minute = int(time.time()) // 60 * 60
    return {"{service}": service, "{task}": task, MINUTE: minute, "{minute-600}": minute - 600, "{minute+60}": minute + 60}


def record(url, names):
    """What an AWS at the URL answers: operation, input, status and output of each call."""
    host = url.removeprefix("http://")
    recorded = []
    for operation, given in CALLS:
        service = CLOUDWATCH if "Metric" in operation else ECS
        version = "1.0" if service == CLOUDWATCH else "1.1"
        scope = "monitoring" if service == CLOUDWATCH else "ecs"
        credential = f"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261130/us-east-1/{scope}/aws4_request, SignedHeaders=host, Signature=0"
        connection = http.client.HTTPConnection(host, timeout=30)
        headers = {"Content-Type": f"application/x-amz-json-{version}", "X-Amz-Target": f"{service}.{operation}", "Authorization": credential}
        connection.request("POST", "/", json.dumps(filled(given, names)), headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status >= 500:
            raise AssertionError(f"{operation} was answered with {answer.status}: {body[:200]}")
        output = emptied(json.loads(body) if body else {}, {value: name for name, value in names.items()})
        recorded.append({"operation": operation, "input": given, "status": answer.status, "output": output})
        connection.close()
    return recorded
