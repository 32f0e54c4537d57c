import AsyncHTTPClient
package import ConfigurationLanguage
package import NIOCore
import NIOHTTP1
import NIOPosix
package import Pipeline
import Platform
import Synchronization

/// What proxy auto-configurations say, for all event loops of this process. Each is fetched and evaluated in the background, and what it said
/// counts for a minute, what went wrong for some seconds: rounds of attempts may follow each other faster.
package final class ProxyScripts: Sendable {
    /// Those of this process.
    package static let process = ProxyScripts()

    /// The ways, or why there are none.
    package typealias Outcome = Result<[Route], StageError>

    private struct Question: Hashable {
        var place: ProxyScriptPlace
        var server: HostPort
    }

    private struct Known {
        var outcome: Outcome
        var until: NIODeadline
    }

    private struct State {
        var known: [Question: Known] = [:]
        var waiting: [Question: [EventLoopPromise<Outcome>]] = [:]
    }

    private static let limit = 64
    private static let welcome = TimeAmount.seconds(60)
    private static let pause = TimeAmount.seconds(10)
    private static let fetchTime = TimeAmount.seconds(10)
    /// Not the shared one, which tries again and again where nobody listens: the next round does so.
    private static let client: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.timeout.connect = fetchTime
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()
    private static let evaluationTime = Duration.seconds(5)

    private let state = Mutex(State())

    /// What a script says of a server.
    ///
    /// - Parameter then: Called on the loop, at once where it is known.
    package func find(
        _ place: ProxyScriptPlace, for server: HostPort, on loop: any EventLoop, then: @escaping (Outcome) -> Void
    ) {
        let question = Question(place: place, server: server)
        let promise = loop.makePromise(of: Outcome.self)
        let (known, isFirst) = state.withLock { state -> (Outcome?, Bool) in
            if let known = state.known[question], known.until > .now() { return (known.outcome, false) }
            let isFirst = state.waiting[question] == nil
            state.waiting[question, default: []].append(promise)
            return (nil, isFirst)
        }
        if let known {
            promise.succeed(known)
            return then(known)
        }
        promise.futureResult.assumeIsolated().whenSuccess(then)
        guard isFirst else { return }
        Task {
            let outcome = await self.ask(question)
            self.settle(question, outcome)
        }
    }

    /// The same for several, none of which is missing then.
    package func find(
        _ places: [ProxyScriptPlace], for server: HostPort, on loop: any EventLoop,
        then: @escaping ([ProxyScriptPlace: Outcome]) -> Void
    ) {
        let places = Set(places)
        let found = NIOLoopBoundBox<[ProxyScriptPlace: Outcome]>([:], eventLoop: loop)
        for place in places {
            find(place, for: server, on: loop) { outcome in
                found.value[place] = outcome
                if found.value.count == places.count { then(found.value) }
            }
        }
    }

    private func settle(_ question: Question, _ outcome: Outcome) {
        let waiting = state.withLock { state in
            if state.known.count >= Self.limit, let oldest = state.known.min(by: { $0.value.until < $1.value.until })?.key {
                state.known[oldest] = nil
            }
            let time = if case .success = outcome { Self.welcome } else { Self.pause }
            state.known[question] = Known(outcome: outcome, until: .now() + time)
            return state.waiting.removeValue(forKey: question) ?? []
        }
        for promise in waiting { promise.succeed(outcome) }
    }

    private func ask(_ question: Question) async -> Outcome {
        do throws(StageError) {
            let script = try await Self.script(question.place)
            let answer = try await Self.evaluate(.init(server: question.server, script: script))
            let routes = ProxyScriptAnswer.routes(answer)
            guard !routes.isEmpty else {
                throw StageError(
                    .unavailable, "the proxy auto-configuration \(question.place.text) names no way to \(question.server)")
            }
            return .success(routes)
        } catch {
            return .failure(error)
        }
    }

    private static func evaluate(_ question: ProxyScriptChild.Question) async throws(StageError) -> String {
        // A process is waited for, which takes a thread.
        let result: Result<String, StageError>? = try? await NIOThreadPool.singleton.runIfActive {
            do throws(StageError) { return .success(try ProxyScriptChild.evaluate(question, within: evaluationTime)) } catch {
                return .failure(error)
            }
        }
        guard let result else { throw StageError(.unavailable, "the program is ending") }
        return try result.get()
    }

    private static func script(_ place: ProxyScriptPlace) async throws(StageError) -> [UInt8] {
        func problem(_ what: String) -> StageError {
            StageError(.unavailable, "the proxy auto-configuration \(place.text) can't be had: \(what)")
        }
        switch place {
        case .file(let file):
            let bytes: [UInt8]?
            do throws(FileAccess.Failure) { bytes = try FileAccess.read(file.path, limit: ProxyScriptChild.scriptLimit) } catch {
                throw problem(error.reason)
            }
            guard let bytes else { throw problem("it is larger than 1 MiB") }
            return bytes
        case .url(let url):
            do {
                let response = try await client.execute(HTTPClientRequest(url: url), timeout: fetchTime)
                guard response.status == .ok else { throw problem("the answer was \(response.status.code)") }
                return Array(try await response.body.collect(upTo: ProxyScriptChild.scriptLimit).readableBytesView)
            } catch {
                if let error = error as? StageError { throw error }
                throw problem(error is NIOTooManyBytesError ? "it is larger than 1 MiB" : ConnectionFailure.words(for: error))
            }
        }
    }
}
