import HTTPMessages
package import Logging
package import NIOCore
import Pipeline
import Platform
import Synchronization

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Signed calls to AWS: with credentials, retries, and a clock that is put right when AWS says that it is wrong.
///
/// Every operation of this module may be done twice without harm, so any call may be repeated.
package final class AWSClient: Sendable {
    /// What a client takes from outside, so that tests can have it in their hands.
    package struct Clock: Sendable {
        /// Seconds of the Unix epoch.
        package var now: @Sendable () -> Int
        /// The monotonic time that deadlines are compared with.
        package var deadlineNow: @Sendable () -> NIODeadline
        /// Waits for a time; throws when the task is cancelled.
        package var sleep: @Sendable (Duration) async throws -> Void
        /// What waits are drawn from.
        package var random: @Sendable () -> UInt64

        /// A clock of functions which have to agree with each other.
        package init(
            now: @escaping @Sendable () -> Int, deadlineNow: @escaping @Sendable () -> NIODeadline,
            sleep: @escaping @Sendable (Duration) async throws -> Void,
            random: @escaping @Sendable () -> UInt64 = { .random(in: 0 ... .max) }
        ) {
            self.now = now
            self.deadlineNow = deadlineNow
            self.sleep = sleep
            self.random = random
        }

        /// The clock of the system.
        package static let system = Clock(
            now: { Int(Date().timeIntervalSince1970) }, deadlineNow: { .now() }, sleep: { try await Task.sleep(for: $0) })
    }

    /// Where regions, endpoints and credentials are found.
    package let surroundings: AWSSurroundings
    /// The region of all calls; nil for that of the surroundings.
    package let region: String?
    private let credentials: any CredentialsProvider
    private let transport: any AWSTransport
    /// The same, if it can do without bytes.
    private let values: (any AWSValueTransport)?
    private let retry: RetryPolicy
    private let clock: Clock
    private let logger: Logger
    /// AWS's time minus ours, in seconds.
    private let skew = Mutex(0)
    /// Where services are, as far as somebody has called them.
    private let endpoints = Mutex<[AWSService: AWSEndpoint]>([:])
    /// One attempt gets no longer than this, so that one lost packet doesn't use up the time for all.
    private let attemptLimit: TimeAmount
    private let signs: Bool

    /// A client.
    ///
    /// - Parameters:
    ///   - credentials: What signs requests; nil for what the surroundings say.
    ///   - attemptLimit: The longest that one attempt of a call may take, within the call's deadline.
    ///   - signs: Whether requests are signed; nothing but a model of AWS takes them without.
    package init(
        surroundings: AWSSurroundings, region: String? = nil, transport: any AWSTransport,
        credentials: (any CredentialsProvider)? = nil, retry: RetryPolicy = RetryPolicy(), clock: Clock = .system,
        attemptLimit: TimeAmount = .seconds(10), signs: Bool = true, logger: Logger
    ) {
        self.surroundings = surroundings
        self.region = region
        self.transport = transport
        values = transport as? any AWSValueTransport
        self.credentials = credentials ?? surroundings.credentials(transport: transport, logger: logger)
        self.retry = retry
        self.clock = clock
        self.attemptLimit = attemptLimit
        self.signs = signs
        self.logger = logger
    }

    /// AWS's time as far as it is known, in seconds of the Unix epoch.
    package var now: Int { clock.now() + skew.withLock { $0 } }

    /// The deadline for a call that may take so long from now.
    package func deadline(in time: TimeAmount) -> NIODeadline { clock.deadlineNow() + time }

    /// A call of a JSON protocol: `api` and `operation` name it. `capitalized` is for services whose keys begin with capitals.
    package func json<Output: Decodable>(
        _ service: AWSService, version: String, api: String, _ operation: String, _ input: some Encodable & Sendable,
        as output: Output.Type, capitalized: Bool = false, deadline: NIODeadline
    ) async throws(AWSError) -> Output {
        if let values {
            return try await attempts(at: service, deadline) { endpoint throws(AWSError) in
                try await ask(values, endpoint, operation, input, deadline)
            }
        }
        let body: [UInt8]
        do { body = try Array(JSONEncoder.aws(capitalized: capitalized).encode(input)) } catch {
            throw AWSError(.configuration, "the request can't be written as JSON: \(error)")
        }
        let target = "\(api).\(operation)"
        return try await call(
            service, method: "POST", path: nil,
            fields: [(name: "Content-Type", value: "application/x-amz-json-\(version)"), (name: "X-Amz-Target", value: target)],
            body: body, deadline: deadline
        ) { response throws(AWSError) in
            let data = response.isEmpty ? Data("{}".utf8) : Data(response)
            // Names that are as Swift writes them need no change, which costs more than all else in a decoder.
            let decoder = capitalized ? JSONDecoder.aws : JSONDecoder()
            do { return try decoder.decode(Output.self, from: data) } catch { throw Self.unreadable(target) }
        }
    }

    /// A call whose answer is XML, or anything else.
    package func call<Output>(
        _ service: AWSService, method: String, path: String?, fields: [(name: String, value: String)], body: [UInt8],
        deadline: NIODeadline, decode: ([UInt8]) throws(AWSError) -> Output
    ) async throws(AWSError) -> Output {
        try await attempts(at: service, deadline) { endpoint throws(AWSError) in
            let url = path.map { endpoint.url.appending($0) } ?? endpoint.url
            let response = try await send(endpoint, method: method, url: url, fields: fields, body: body, deadline: deadline)
            guard let error = response.error else { return .done(try decode(response.body)) }
            return .refused(error, date: error.mayBeSkew ? response.first("Date").flatMap { HTTPDate.parse($0) } : nil)
        }
    }

    // MARK: - Attempts

    /// What came of one attempt.
    private enum Attempt<Output> {
        case done(Output)
        /// AWS refused it. `date`: its time, where that may be why.
        case refused(AWSError, date: Int?)
    }

    /// Attempts a call until it is done, or another attempt isn't worthwhile or would be too late.
    private func attempts<Output>(
        at service: AWSService, _ deadline: NIODeadline, _ body: (AWSEndpoint) async throws(AWSError) -> Attempt<Output>
    ) async throws(AWSError) -> Output {
        let endpoint = try endpoint(service)
        var attempt = 1
        var corrections = 0
        while true {
            let failure: AWSError
            do throws(AWSError) {
                switch try await body(endpoint) {
                case .done(let output): return output
                case .refused(let error, let date):
                    // A clock that is wrong or credentials that have ended: put right at once, and not counted as an attempt.
                    if corrections < 2, await correct(error, date) {
                        corrections += 1
                        continue
                    }
                    throw error
                }
            } catch { failure = error }
            var generator = DrawnNumbers(draw: clock.random)
            guard let wait = retry.wait(after: failure, attempt: attempt, using: &generator) else { throw failure }
            attempt += 1
            guard clock.deadlineNow() + .nanoseconds(Int64(wait / .nanoseconds(1))) < deadline else { throw failure }
            logger.debug(
                "a call to AWS is tried again",
                metadata: ["service": "\(endpoint.scope)", "attempt": "\(attempt)", "reason": "\(failure)"])
            do { try await clock.sleep(wait) } catch { throw AWSError(.deadline, "cancelled while waiting to try again") }
        }
    }

    private func endpoint(_ service: AWSService) throws(AWSError) -> AWSEndpoint {
        if let known = endpoints.withLock({ $0[service] }) { return known }
        let found = try surroundings.endpoint(service, region: region)
        endpoints.withLock { $0[service] = found }
        return found
    }

    private func send(
        _ endpoint: AWSEndpoint, method: String, url: SignedURL, fields: [(name: String, value: String)], body: [UInt8],
        deadline: NIODeadline
    ) async throws(AWSError) -> AWSResponse {
        let keys = try await credentials.credentials(now: now)
        let limit = try attemptDeadline(deadline)
        let added =
            signs
            ? SignatureV4(
                method: method, url: url, fields: fields, body: body, service: endpoint.scope, region: endpoint.region,
                credentials: keys, at: now
            ).fields : [(name: "X-Amz-Date", value: AWSTime.basic(now))]
        let request = AWSRequest(method: method, url: url, fields: fields + added, body: body)
        do { return try await transport.send(request, deadline: limit) } catch { throw Self.unreachable(endpoint, error) }
    }

    private func ask<Output>(
        _ transport: any AWSValueTransport, _ endpoint: AWSEndpoint, _ operation: String, _ input: some Sendable,
        _ deadline: NIODeadline
    ) async throws(AWSError) -> Attempt<Output> {
        let limit = try attemptDeadline(deadline)
        let result: AWSResult
        do { result = try await transport.answer(AWSCall(operation: operation, input: input, time: now), deadline: limit) } catch {
            throw Self.unreachable(endpoint, error)
        }
        switch result {
        case .done(let value):
            guard let output = value as? Output else { throw Self.unreadable(operation) }
            return .done(output)
        case .refused(let status, let name, let message, let date):
            return .refused(AWSResponse.refusal(name, message, status: status), date: date)
        }
    }

    /// Until when an attempt that begins now may take.
    private func attemptDeadline(_ deadline: NIODeadline) throws(AWSError) -> NIODeadline {
        let now = clock.deadlineNow()
        guard now < deadline else { throw AWSError(.deadline, "the time for the call to AWS is over") }
        return min(deadline, now + attemptLimit)
    }

    private static func unreachable(_ endpoint: AWSEndpoint, _ error: any Error) -> AWSError {
        let host = endpoint.url.host
        return AWSError(
            .unreachable, "\(endpoint.scope) at \(host) can't be reached: \(ConnectionFailure.words(for: error, about: host))")
    }

    private static func unreadable(_ target: String) -> AWSError {
        AWSError(.invalidAnswer, "\(target) was answered with something that can't be read")
    }

    /// Whether something was put right that makes another attempt worthwhile.
    private func correct(_ error: AWSError, _ date: Int?) async -> Bool {
        if error.mayBeExpiry { return await credentials.invalidate() }
        guard error.mayBeSkew, let date else { return false }
        let found = date - clock.now()
        let difference = skew.withLock { skew in
            defer { if abs(found - skew) >= 60 { skew = found } }
            return abs(found - skew)
        }
        // Signatures are good for five minutes: a difference of seconds isn't why it was refused.
        guard difference >= 60 else { return false }
        logger.warning(
            "this machine's clock differs from AWS's; requests are signed with theirs", metadata: ["seconds": "\(found)"])
        return true
    }
}

/// Random numbers of somebody's.
private struct DrawnNumbers: RandomNumberGenerator {
    let draw: @Sendable () -> UInt64

    mutating func next() -> UInt64 { draw() }
}

extension AWSResponse {
    /// What the service refused with, from either of the forms in which AWS says so; nil for success.
    var error: AWSError? {
        guard !(200..<300).contains(status) else { return nil }
        if let document = try? JSONDecoder.aws.decode(JSONError.self, from: Data(body)), let type = document.type {
            return Self.refusal(type, document.message ?? "", status: status)
        }
        if let root = try? XMLElement(body), let code = root.firstText("Code") {
            return Self.refusal(code, root.firstText("Message") ?? "", status: status)
        }
        if let type = first("x-amzn-ErrorType") {
            return Self.refusal(type, "no message", status: status)
        }
        return AWSError(.service(name: "Unknown", status: status), "an answer without a reason")
    }

    /// A refusal by AWS's word for it, in whatever form, and its message.
    static func refusal(_ name: String, _ message: String, status: Int) -> AWSError {
        AWSError(.service(name: Self.name(name), status: status), shortened(message))
    }

    /// `prefix#Name`, `Name:http://…` and `Name` all mean `Name`. What isn't a name isn't shown.
    private static func name(_ text: String) -> String {
        let name = text.split(separator: "#").last?.split(separator: ":").first ?? ""
        let isName = !name.isEmpty && name.utf8.count <= 100 && name.utf8.allSatisfy { (0x2E...0x7A).contains($0) }
        return isName ? String(name) : "Unknown"
    }

    private static func shortened(_ text: String) -> String { ForeignText.line(text, limit: 300) }

    private struct JSONError: Decodable {
        var type: String?
        var message: String?
    }
}
