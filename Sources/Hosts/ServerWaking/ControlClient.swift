package import AWS
import ConfigurationLanguage
package import Logging
package import NIOCore
import NIOHTTP1
package import Pipeline
import Platform

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Calls the endpoints that start and stop the server.
package struct ControlClient: Sendable {
    /// What the control plane says to a wake.
    package struct Wake: Sendable, Decodable {
        /// What the wake found: `waking`, `starting` or `already_running`.
        package var status: String
        /// How long the start usually takes, for people.
        package var estimatedStartTime: String?
        /// In how many seconds it is worth asking how the server is.
        package var retryAfter: Double?
        /// Which limit of hours or costs is near, for people.
        package var warning: String?

        /// An answer that nobody has written.
        package init(status: String, estimatedStartTime: String?, retryAfter: Double?, warning: String?) {
            self.status = status
            self.estimatedStartTime = estimatedStartTime
            self.retryAfter = retryAfter
            self.warning = warning
        }
    }

    /// What the control plane says of the server.
    package struct Status: Sendable, Decodable {
        /// The server's state: `asleep`, `starting`, `ready` or `stopping`.
        package var status: String
        /// Whether the server takes connections.
        package var ready: Bool
        /// The server's host and port, where they are known.
        package var address: String?
        /// What ended the server last and why, or why it has no address.
        package var reason: String?
        /// Why the server stopped last, if anybody knows.
        package var lastStopReason: String?
        /// How long a start usually takes, for people.
        package var estimatedStartTime: String?
        /// In how many seconds it is worth asking again.
        package var retryAfter: Double?

        /// An answer that nobody has written, of which no more is known.
        package init(status: String, ready: Bool) {
            self.status = status
            self.ready = ready
        }
    }

    /// Why an endpoint didn't do it. `isFinal`: it won't in a moment either.
    package struct Problem: Error, Sendable {
        /// What went wrong, as a sentence's end without secrets.
        package var message: String
        /// Whether the same call would fail again: no such endpoint, or a wrong key.
        package var isFinal: Bool
        /// Whether too many ask.
        package var isThrottled = false
        /// In how many seconds the endpoint wants to be asked again, where it says so.
        package var retryAfter: Double?

        /// What came of it for an attempt to have the server started.
        var answer: BringUp.Answer {
            if isFinal { return .refused(message) }
            return isThrottled ? .throttled(message, after: retryAfter) : .failed(message)
        }
    }

    private let transport: any ControlTransport
    private let settings: LifecycleSettings
    private let signer: EndpointSigner?

    /// A client for the endpoints and the key of the settings. It has to be shut down.
    ///
    /// - Parameters:
    ///   - surroundings: Where AWS credentials come from, where calls are signed with them.
    ///   - logger: Hears of those.
    package init(
        settings: LifecycleSettings, group: any EventLoopGroup, surroundings: AWSSurroundings = .process,
        logger: Logger = Logger(label: "fluidity") { _ in SwiftLogNoOpLogHandler() }
    ) {
        let transport = HTTPControlTransport(group: group)
        let signer =
            settings.authentication == .iam
            ? EndpointSigner(surroundings: surroundings, transport: transport.forAWS, logger: logger) : nil
        self.init(settings: settings, transport: transport, signer: signer)
    }

    /// A client that calls by this transport, and shuts it down. It signs nothing.
    package init(settings: LifecycleSettings, transport: any ControlTransport) {
        self.init(settings: settings, transport: transport, signer: nil)
    }

    private init(settings: LifecycleSettings, transport: any ControlTransport, signer: EndpointSigner?) {
        self.settings = settings
        self.transport = transport
        self.signer = signer
    }

    /// Closes the client's connections; nothing can be called afterwards.
    package func shutdown() async { await transport.shutdown() }

    /// Asks the wake endpoint to start the server, with POST, and waits 20 seconds at most.
    package func wake() async throws(Problem) -> Wake {
        guard let url = settings.wakeEndpoint else { throw Problem(message: "there is no 'wake-endpoint'", isFinal: true) }
        return try await call(.POST, url, as: Wake.self)
    }

    /// Asks the kill endpoint to stop the server, with POST, and waits 20 seconds at most.
    package func kill() async throws(Problem) {
        struct Answer: Decodable { var status: String }
        guard let url = settings.killEndpoint else { throw Problem(message: "there is no 'kill-endpoint'", isFinal: true) }
        _ = try await call(.POST, url, as: Answer.self)
    }

    /// Asks the status endpoint how the server is, with GET, and waits 20 seconds at most.
    package func status() async throws(Problem) -> Status {
        guard let url = settings.statusEndpoint else { throw Problem(message: "there is no 'status-endpoint'", isFinal: true) }
        return try await call(.GET, url, as: Status.self)
    }

    private func call<Answer: Decodable>(_ method: HTTPMethod, _ url: EndpointURL, as: Answer.Type) async throws(Problem) -> Answer
    {
        var fields: [(name: String, value: String)] = []
        if let key = settings.apiKey { fields.append(("x-api-key", key.revealed)) }
        if let signer {
            do throws(AWSError) {
                fields += try await signer.fields(method: method.rawValue, url: url)
            } catch { throw Problem(message: "there is nothing to sign with: \(error)", isFinal: error.code == .configuration) }
        }
        let response: ControlAnswer
        do {
            response = try await transport.send(method, url, fields: fields)
        } catch {
            let reason = ConnectionFailure.words(for: error, about: url.host)
            throw Problem(message: "\(url.host) can't be reached: \(reason)", isFinal: false)
        }
        let (status, body) = (response.status, response.body)
        switch status {
        case 200:
            if let answer = response.value as? Answer { return answer }
            guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(body.readableBytesView)) else {
                throw Problem(message: "\(url.host) answered with something that is no answer of a control plane", isFinal: false)
            }
            return answer
        case 401, 403:
            let proof = signer == nil ? "the API key" : "these AWS credentials"
            throw Problem(message: "\(url.host) refuses \(proof) (\(status))", isFinal: true)
        case 404, 405: throw Problem(message: "\(url.host) has no such endpoint (\(status)): \(Self.reason(body))", isFinal: true)
        case 402: throw Problem(message: Self.reason(body), isFinal: true)
        case 429:
            throw Problem(
                message: "\(url.host) takes no more requests for now (429)", isFinal: false, isThrottled: true,
                retryAfter: response.retryAfter)
        case 503:
            throw Problem(
                message: "\(url.host) answered with 503: \(Self.reason(body))", isFinal: false, isThrottled: true,
                retryAfter: response.retryAfter)
        default: throw Problem(message: "\(url.host) answered with \(status): \(Self.reason(body))", isFinal: false)
        }
    }

    /// What the control plane says of itself, without control characters.
    private static func reason(_ body: ByteBuffer) -> String {
        struct Reason: Decodable { var message: String? }
        let message = (try? JSONDecoder().decode(Reason.self, from: Data(body.readableBytesView)))?.message ?? "no reason given"
        return ForeignText.line(message, limit: 200)
    }
}
