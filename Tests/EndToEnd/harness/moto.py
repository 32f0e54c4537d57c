"""An AWS account on this machine: moto's server, with what a fresh account has."""

import sys
from pathlib import Path

import boto3

from .ports import accepts, free_port
from .processes import Process
from .waiting import wait_until

REGION = "eu-west-1"


class Moto:
    """moto on a port of its own. `environment` points the AWS command line, and whatever else reads it, there."""

    def __init__(self, place):
        self.port = free_port()
        #: Files here have stacks fail: see `moto_account`.
        self.place = place
        command = [sys.executable, "-m", "harness.moto_account", str(self.port), place]
        self.process = Process("moto", command, place, cwd=Path(__file__).parents[1])
        wait_until(lambda: accepts(self.port), 30, lambda: f"moto listens; it printed:\n{self.process.tail()}")
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_CONFIG_FILE": "/nonexistent",
            "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
        }

    def client(self, service: str):
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="AKIDEXAMPLE",
            aws_secret_access_key="secret",
        )

    def stop(self):
        self.process.kill()
