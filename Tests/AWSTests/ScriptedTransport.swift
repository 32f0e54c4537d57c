import AWS
import Logging
import NIOCore
import Synchronization

/// Answers from a script, in order, and a clock that only moves when somebody sleeps.
final class ScriptedTransport: AWSTransport {
    enum Step: Sendable {
        case answer(AWSResponse)
        case failure
        /// Waits until the test lets it go.
        case held
    }

    private let state: Mutex<(steps: [Step], requests: [AWSRequest], waits: [Duration], now: Int)>
    private let gate = AsyncStream.makeStream(of: Void.self)

    struct Lost: Error {}

    init(_ steps: [Step], now: Int = 1_795_420_800) {
        state = Mutex((steps, [], [], now))
    }

    var requests: [AWSRequest] { state.withLock { $0.requests } }
    var waits: [Duration] { state.withLock { $0.waits } }

    func advance(_ seconds: Int) { state.withLock { $0.now += seconds } }
    func release() { gate.continuation.yield() }

    func send(_ request: AWSRequest, deadline: NIODeadline) async throws -> AWSResponse {
        let step = state.withLock { state in
            state.requests.append(request)
            return state.steps.isEmpty ? .failure : state.steps.removeFirst()
        }
        switch step {
        case .answer(let response): return response
        case .failure: throw Lost()
        case .held:
            for await _ in gate.stream { break }
            return .json(200, "{}")
        }
    }

    var clock: AWSClient.Clock {
        AWSClient.Clock(
            now: { self.state.withLock { $0.now } },
            deadlineNow: { .uptimeNanoseconds(UInt64(self.state.withLock { $0.waits.reduce(.zero, +) } / .nanoseconds(1)) + 1) },
            sleep: { wait in self.state.withLock { $0.waits.append(wait) } })
    }

    func client(
        environment: [String: String] = [
            "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret",
        ],
        credentials: (any CredentialsProvider)? = nil, retry: RetryPolicy = RetryPolicy()
    ) -> AWSClient {
        AWSClient(
            surroundings: AWSSurroundings(environment: environment, readFile: { _ in nil }), transport: self,
            credentials: credentials, retry: retry, clock: clock, logger: .silent)
    }
}

extension Logger {
    static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}

extension AWSResponse {
    static func json(_ status: Int, _ body: String, date: String? = nil) -> AWSResponse {
        AWSResponse(status: status, fields: date.map { [(name: "Date", value: $0)] } ?? [], body: Array(body.utf8))
    }

    static func error(_ status: Int, _ name: String, date: String? = nil) -> AWSResponse {
        json(status, #"{"__type":"com.amazonaws#\#(name)","message":"no"}"#, date: date)
    }
}
