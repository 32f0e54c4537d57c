package import Logging
import NIOCore
import Pipeline

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Credentials of a task's role, from the endpoint that ECS and EKS give a container. Fetched anew some minutes before they
/// end; one fetch at a time, whoever asks.
package actor ContainerCredentials: CredentialsProvider {
    /// They are renewed when they are good for no longer than this, in seconds.
    private static let margin = 300
    private static let patience = TimeAmount.seconds(5)

    private let url: SignedURL
    private let token: @Sendable () throws(AWSError) -> String?
    private let transport: any AWSTransport
    private let logger: Logger
    private var cached: Credentials?
    private var fetch: Task<Credentials, any Error>?

    /// A provider that has fetched nothing yet.
    ///
    /// - Parameter token: What the endpoint is shown in `Authorization`, asked for at each fetch; nil for no such field.
    package init(
        url: SignedURL, token: @escaping @Sendable () throws(AWSError) -> String?, transport: any AWSTransport, logger: Logger
    ) {
        self.url = url
        self.token = token
        self.transport = transport
        self.logger = logger
    }

    /// Those that were fetched while they are good for five minutes more, else new ones. Where a fetch fails, what hasn't ended goes on
    /// counting.
    package func credentials(now: Int) async throws(AWSError) -> Credentials {
        if let cached, cached.expiration.map({ $0 - now > Self.margin }) ?? true { return cached }
        do {
            return try await fetched()
        } catch {
            // What still works is better than nothing: the endpoint may be back before it ends.
            if let cached, let end = cached.expiration, end > now {
                logger.warning("credentials can't be renewed", metadata: ["reason": "\(ConnectionFailure.words(for: error))"])
                return cached
            }
            throw error as? AWSError
                ?? AWSError(.credentials, "no credentials from the container's endpoint: \(ConnectionFailure.words(for: error))")
        }
    }

    /// Forgets what was fetched.
    package func invalidate() -> Bool {
        cached = nil
        return true
    }

    private func fetched() async throws -> Credentials {
        if let fetch { return try await fetch.value }
        let task = Task { [url, transport, token] in try await Self.load(url, token, transport) }
        fetch = task
        defer { fetch = nil }
        let fresh = try await task.value
        cached = fresh
        return fresh
    }

    private static func load(
        _ url: SignedURL, _ token: @Sendable () throws(AWSError) -> String?, _ transport: any AWSTransport
    ) async throws -> Credentials {
        var fields: [(name: String, value: String)] = [(name: "Accept", value: "application/json")]
        if let token = try token() { fields.append((name: "Authorization", value: token)) }
        let request = AWSRequest(method: "GET", url: url, fields: fields, body: [])
        var last = AWSError(.credentials, "no credentials from the container's endpoint")
        for attempt in 0..<3 {
            do {
                let response = try await transport.send(request, deadline: .now() + patience)
                if response.status == 200, let document = try? JSONDecoder.aws.decode(Document.self, from: Data(response.body)) {
                    return Credentials(
                        accessKey: document.accessKeyId, secretKey: document.secretAccessKey, sessionToken: document.token,
                        expiration: document.expiration.flatMap { AWSTime.parse($0) }.map { Int($0) })
                }
                last = AWSError(.credentials, "the container's credentials endpoint answered with \(response.status)")
                guard response.status == 200 || response.status >= 500 || response.status == 429 else { break }
            } catch {
                last = AWSError(
                    .credentials, "the container's credentials endpoint can't be reached: \(ConnectionFailure.words(for: error))")
            }
            if attempt < 2 { try await Task.sleep(for: .milliseconds(Int.random(in: 50...(200 << attempt)))) }
        }
        throw last
    }

    private struct Document: Decodable {
        var accessKeyId: String
        var secretAccessKey: String
        var token: String?
        var expiration: String?
    }
}
