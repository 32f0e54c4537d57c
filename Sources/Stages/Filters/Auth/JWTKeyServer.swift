import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import Pipeline
import Synchronization

/// Keys that an issuer publishes. Fetched when the pipeline starts, then every `refresh`, and sooner when somebody comes with a
/// key that isn't known. While that fails, the keys that are known go on counting.
final class JWTKeyServer: JWTKeySource {
    private static let sizeLimit = 1 << 20
    private static let timeout = TimeAmount.seconds(10)
    /// The least time between two attempts, whoever asks for them.
    private static let pause = TimeAmount.seconds(5)
    private static let longestPause = TimeAmount.seconds(60)

    private let url: String
    private let algorithms: [JWTAlgorithmName]
    private let interval: TimeAmount
    private let state = Mutex(State())

    private struct State {
        var current: (set: JWTKeySet, generation: Int)?
        var next = NIODeadline.uptimeNanoseconds(0)
        /// When the next attempt may be made at the earliest.
        var earliest = NIODeadline.uptimeNanoseconds(0)
        var failures = 0
    }

    init(_ url: String, algorithms: [JWTAlgorithmName], refresh: Duration) {
        self.url = url
        self.algorithms = algorithms
        interval = TimeAmount(refresh)
    }

    var current: (set: JWTKeySet, generation: Int)? { state.withLock { $0.current } }

    func start() async throws(StageError) { _ = await fetch() }

    func refresh() async -> [AuthNotice] {
        let now = NIODeadline.now()
        guard state.withLock({ now >= $0.next && now >= $0.earliest }) else { return [] }
        return await fetch()
    }

    func isOutdated() { state.withLock { $0.next = .uptimeNanoseconds(0) } }

    private func fetch() async -> [AuthNotice] {
        let result: Result<JWTKeySet, any Error>
        do {
            result = .success(try await load())
        } catch {
            result = .failure(error)
        }
        let now = NIODeadline.now()
        return state.withLock { state in
            switch result {
            case .success(let set):
                let hadFailed = state.failures > 0
                state.current = (set, (state.current?.generation ?? 0) + 1)
                state.failures = 0
                state.next = now + interval
                state.earliest = now + Self.pause
                return hadFailed ? [AuthNotice(message: "the keys of \(url) were fetched again", isProblem: false)] : []
            case .failure(let error):
                state.failures += 1
                let wait = min(Self.pause * (1 << min(state.failures - 1, 4)), Self.longestPause)
                state.next = now + wait
                state.earliest = now + wait
                let rest = state.current == nil ? "no token can be verified" : "those that are known go on counting"
                return [
                    AuthNotice(
                        message: "the keys of \(url) can't be fetched, \(rest): \(ConnectionFailure.words(for: error))",
                        isProblem: true)
                ]
            }
        }
    }

    private func load() async throws -> JWTKeySet {
        var request = HTTPClientRequest(url: url)
        request.headers.add(name: "Accept", value: "application/jwk-set+json, application/json")
        let response = try await HTTPClient.shared.execute(request, timeout: Self.timeout)
        guard response.status == .ok else { throw WatchedFileProblem("the answer was \(response.status)") }
        let body = try await response.body.collect(upTo: Self.sizeLimit)
        let set = await JWTKeySet(try JWKSet(json: String(buffer: body)), algorithms: algorithms)
        guard !set.keys.isEmpty else { throw WatchedFileProblem("it has no key for the algorithms that are allowed") }
        return set
    }
}
