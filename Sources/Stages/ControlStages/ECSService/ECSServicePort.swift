package import HTTPMessages
package import NIOCore
import Pipeline
import Platform

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Answers each exchange with what the stage's action did.
final class ECSServicePort: ExchangePort {
    private let control: ServiceControl
    private let shard: Shard

    init(control: ServiceControl, shard: Shard) {
        self.control = control
        self.shard = shard
    }

    func open(_ exchange: Exchange) {
        switch ServiceRequest.decide(exchange.request, configured: control.settings.action) {
        case .refuse(let answer): exchange.respond(answer)
        case .act(let action):
            exchange.attach(ServiceSink(exchange: exchange, action: action, control: control, loop: shard.loop))
        }
    }
}

@available(*, unavailable)
extension ECSServicePort: Sendable {}

/// Which requests an action takes.
package enum ServiceRequest {
    /// Bodies say nothing that counts; a longer one is a mistake or an attack.
    package static let bodyLimit = 64 << 10

    /// What a request asks for, or how it is refused.
    package enum Decision: Sendable {
        /// The action is to be done.
        case act(ECSServiceAction)
        /// The request gets this answer, and nothing is done.
        case refuse(LocalResponse)
    }

    /// Decides by the last segment of the path and by the method: 404 for another action than the configured one, 405 for a method that the
    /// action doesn't take.
    package static func decide(_ request: RequestHead, configured: ECSServiceAction) -> Decision {
        guard request.kind == .plain else {
            return .refuse(.error(.init(code: "bad_request", message: "only plain requests are answered", status: 400)))
        }
        let path = request.path.prefix { $0 != "?" && $0 != "#" }
        let last = path.split(separator: "/", omittingEmptySubsequences: true).last.map(String.init)
        let named = last.flatMap(ECSServiceAction.init).flatMap { $0 == .byPath ? nil : $0 }
        let action: ECSServiceAction
        if configured == .byPath, let named {
            action = named
        } else if configured != .byPath, last == nil || named == configured {
            action = configured
        } else {
            let known = configured == .byPath ? ECSServiceAction.paths : "/\(configured.rawValue)"
            return .refuse(.error(.init(code: "not_found", message: "there is only \(known) here", status: 404)))
        }
        guard action.methods.contains(request.method) else {
            let list = action.methods.joined(separator: ", ")
            let error = ServiceError(code: "method_not_allowed", message: "/\(action.rawValue) takes \(list)", status: 405)
            var answer = LocalResponse.error(error)
            answer.head.fields.append("Allow", list)
            return .refuse(answer)
        }
        if case .known(let length) = request.body, length > bodyLimit { return .refuse(tooLarge) }
        return .act(action)
    }

    /// Why it is asked for, where the body is a JSON object with `reason`: a line of text, and nil for anything else.
    package static func reason(_ body: ByteBuffer) -> String? {
        struct Document: Decodable { var reason: String? }
        guard body.readableBytes > 0 else { return nil }
        let given = (try? JSONDecoder().decode(Document.self, from: Data(body.readableBytesView)))?.reason
        return given.map { ForeignText.line($0, limit: 190) }.flatMap { $0.isEmpty ? nil : $0 }
    }

    static var tooLarge: LocalResponse {
        .error(.init(code: "too_large", message: "the request's body has more than \(bodyLimit) bytes", status: 413))
    }
}

/// Waits for the end of the request, then for AWS.
private final class ServiceSink: ExchangeSink {
    private let exchange: Exchange
    private let action: ECSServiceAction
    private let control: ServiceControl
    private let loop: any EventLoop
    private var received = ByteBuffer()
    private var task: Task<Void, Never>?

    init(exchange: Exchange, action: ECSServiceAction, control: ServiceControl, loop: any EventLoop) {
        self.exchange = exchange
        self.action = action
        self.control = control
        self.loop = loop
    }

    override func requestBody(_ bytes: ByteBuffer) {
        received.writeImmutableBuffer(bytes)
        guard received.readableBytes <= ServiceRequest.bodyLimit else { return exchange.respond(ServiceRequest.tooLarge) }
        exchange.creditRequest(bytes.readableBytes)
    }

    override func requestEnd(_ trailers: HeaderFields?) {
        let promise = loop.makePromise(of: LocalResponse.self)
        promise.futureResult.assumeIsolated().whenSuccess { [exchange] in exchange.respond($0) }
        let (control, action) = (control, action)
        let reason = ServiceRequest.reason(received)
        task = promise.completeWithTask { await control.answer(to: action, reason: reason) }
    }

    override func requestAborted(_ failure: Failure) { task?.cancel() }
}

extension ServiceControl {
    /// Does it, and says as an HTTP response what came of it.
    ///
    /// - Parameter reason: Why it is asked for.
    package func answer(to action: ECSServiceAction, reason: String? = nil) async -> LocalResponse {
        do throws(ServiceError) {
            switch action {
            case .wake:
                let answer = try await wake()
                return .json(answer, retryAfter: answer.retryAfter)
            case .sleep: return .json(try await sleep(reason: reason))
            case .kill: return .json(try await kill(reason: reason))
            case .status, .byPath:
                let answer = try await status()
                return .json(answer, retryAfter: answer.retryAfter)
            }
        } catch { return .error(error) }
    }
}

extension LocalResponse {
    static func json(_ value: some Encodable, status: Int = 200, retryAfter: Int? = nil) -> LocalResponse {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let body = (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
        var response = LocalResponse(status: status, body: body)
        response.head.fields.set("Content-Type", "application/json")
        response.head.fields.append("Cache-Control", "no-store")
        if let retryAfter { response.head.fields.append("Retry-After", "\(retryAfter)") }
        return response
    }

    /// The response that says why an action could not be done.
    package static func error(_ error: ServiceError) -> LocalResponse {
        json(error, status: error.status, retryAfter: error.status == 503 ? 5 : nil)
    }
}
