"""What AWS's own library makes of a signed request, and a gateway that lets in only what is signed, as API Gateway does with IAM."""

import calendar
import json
import time
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from .aws import REGION, in_thread
from .origin import Origin


class Signed:
    """A request with Signature Version 4, taken apart."""

    def __init__(self, method: str, target: str, fields, body: bytes):
        self.method, self.target, self.body = method, target, body
        self.fields = {name.lower(): value for name, value in fields}
        self.authorization = self.fields["authorization"]
        self.access_key, self.date, self.region, self.service, _ = self._part("Credential=").split("/")
        self.names = self._part("SignedHeaders=").split(";")
        self.token = self.fields.get("x-amz-security-token")

    def _part(self, name: str) -> str:
        return self.authorization.split(name)[1].split(",")[0]

    @property
    def age(self) -> float:
        return time.time() - calendar.timegm(time.strptime(self.fields["x-amz-date"], "%Y%m%dT%H%M%SZ"))

    def expected(self, secret: str) -> tuple[str, str]:
        """The signature that botocore makes of it, and what it is a signature of."""
        request = AWSRequest(
            method=self.method, url=f"http://{self.fields['host']}{self.target}", data=self.body,
            headers={name: self.fields[name] for name in self.names if name != "host"},
        )  # fmt: skip
        request.context["timestamp"] = self.fields["x-amz-date"]
        signer = SigV4Auth(Credentials(self.access_key, secret, self.token), self.service, self.region)
        canonical = signer.canonical_request(request)
        return signer.signature(signer.string_to_sign(request, canonical), request), canonical


class SigningGateway:
    """Passes on to a control plane what a known user has signed; anything else is answered as AWS does."""

    def __init__(self, origin: Origin, upstream: str, key: str, users: dict[str, tuple[str, str | None]]):
        self.origin, self.upstream, self.key, self.users = origin, upstream, key, users
        #: What was let in: the last segment of each path.
        self.passed: list[str] = []
        self.refused: list[str] = []
        origin.on("/v1/*")(self._serve)

    def endpoint(self, action: str) -> str:
        return self.origin.url(f"/v1/{action}")

    def problem(self, request: Signed) -> str | None:
        secret, token = self.users.get(request.access_key, (None, None))
        if secret is None or request.token != token:
            return "The security token included in the request is invalid."
        if (request.service, request.region) != ("execute-api", REGION) or not {"host", "x-amz-date"} <= set(request.names):
            return "Credential should be scoped to a valid region and service."
        if abs(request.age) > 300:
            return "Signature expired."
        signature, _ = request.expected(secret)
        if not request.authorization.endswith(f"Signature={signature}"):
            return "The request signature we calculated does not match the signature you provided."
        return None

    async def _serve(self, exchange):
        body = await exchange.read_body()
        action = exchange.request.target.rsplit("/", 1)[1]
        if not (exchange.request.get("authorization") or "").startswith("AWS4-HMAC-SHA256 "):
            problem = "Missing Authentication Token"
        else:
            problem = self.problem(Signed(exchange.request.method, exchange.request.target, exchange.request.fields, body))
        if problem is not None:
            self.refused.append(problem)
            return await exchange.respond(403, [("Content-Type", "application/json")], json.dumps({"message": problem}).encode())
        self.passed.append(action)
        status, fields, answer = await in_thread(lambda: self._ask(exchange.request.method, action))
        await exchange.respond(status, fields, answer)

    def _ask(self, method: str, action: str):
        request = Request(f"{self.upstream}/{action}", method=method, headers={"X-Api-Key": self.key})
        try:
            answer = urlopen(request, timeout=60)
        except HTTPError as error:
            answer = error
        kept = [(name, answer.headers[name]) for name in ("Content-Type", "Retry-After") if answer.headers[name]]
        return answer.status, kept, answer.read()
