package import AWS
package import Logging
import NIOCore
import Synchronization

/// Reads remote texts, at the start and then again and again, and says when they have changed.
package final class RemoteReader: Sendable {
    /// The longest that reading all of them once may take, attempts included.
    private static let patience = TimeAmount.seconds(30)

    /// What is read.
    package let wanted: RemoteTexts
    /// An element for each time that the texts have become others, or for several that came close together.
    package let changes: AsyncStream<Void>
    private let changed: AsyncStream<Void>.Continuation
    private let client: AWSClient
    private let looks: Mutex<RemoteLooks>

    /// Reads all of them for the first time; throws what kept it from that.
    package init(_ wanted: RemoteTexts, client: AWSClient) async throws(AWSError) {
        self.wanted = wanted
        self.client = client
        looks = Mutex(RemoteLooks(try await Self.read(wanted, client)))
        (changes, changed) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// The configuration's text as it is now; nil where it is a file's.
    package var text: String? {
        guard let source = wanted.configuration else { return nil }
        return looks.withLock { $0.texts[source] }
    }

    /// The environment with the texts as they are now.
    package var environment: [String: String] { wanted.environment(with: looks.withLock { $0.texts }) }

    /// Looks at them at every interval, until it is cancelled. What can't be read leaves everything as it is.
    package func watch(every interval: Duration, logger: Logger) async {
        while !Task.isCancelled {
            do { try await Task.sleep(for: interval) } catch { return }
            let action: RemoteLooks.Action
            do throws(AWSError) {
                let found = try await Self.read(wanted, client)
                action = looks.withLock { $0.found(found) }
            } catch {
                guard !Task.isCancelled else { return }
                action = looks.withLock { $0.failed("\(error)") }
            }
            switch action {
            case .nothing: break
            case .reload:
                logger.info("what is kept on AWS has changed: the configuration is read anew")
                changed.yield()
            case .recovered: logger.notice("what is kept on AWS can be read again")
            case .warn(let reason):
                logger.warning(
                    "what is kept on AWS can't be read; what was read before stays in use", metadata: ["reason": "\(reason)"])
            }
        }
    }

    private static func read(_ wanted: RemoteTexts, _ client: AWSClient) async throws(AWSError) -> [TextSource: String] {
        let stored = StoredTexts(client)
        let deadline = client.deadline(in: patience)
        var texts: [TextSource: String] = [:]
        for source in wanted.sources {
            do throws(AWSError) {
                texts[source] =
                    switch source {
                    case .parameter(let name): try await stored.parameter(name, deadline: deadline)
                    case .secret(let name): try await stored.secret(name, deadline: deadline)
                    }
            } catch {
                throw AWSError(error.code, "'\(source)' can't be read: \(error.message)")
            }
        }
        return texts
    }
}
