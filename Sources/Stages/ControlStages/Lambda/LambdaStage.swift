public import ConfigurationLanguage
import HTTPMessages
package import Logging
package import NIOCore
public import Pipeline
import Synchronization

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Whose requests a function does.
public enum LambdaAccess: String, Sendable, CaseIterable, ConfigurationChoice {
    /// Those that AWS let in by name or key, and those that have the stage's own key.
    case authenticated
    /// Everybody's: something in front sees to it, or nothing needs to.
    case everybody
}

/// What `lambda` can be told.
public struct LambdaConfiguration: StageConfiguration {
    /// How long before the invocation's deadline an answer is given up, so that there is time to say so.
    public var margin = Duration.milliseconds(500)
    /// Whose HTTP requests are done.
    public var access = LambdaAccess.authenticated
    /// The key that lets in requests which have it in `x-api-key`, where AWS doesn't check who comes; nil for none.
    public var apiKey: Secret?

    public init() {}

    public static let schema = Schema<LambdaConfiguration>(
        .optional(
            "margin", \.margin, in: .zero...(.seconds(60)),
            "How long before the invocation's deadline an answer is given up, so that there is time to say so."),
        .optional(
            "access", \.access,
            "Whose HTTP requests are done: those that AWS has authenticated or that have 'api-key', or everybody's."),
        .optional(
            "api-key", \.apiKey,
            "Lets in requests that have it in 'x-api-key', where AWS doesn't check who comes: at a function URL.")
    )

    public func validate() -> [ConfigurationProblem] {
        guard let key = apiKey?.revealed, !key.isEmpty else { return [] }
        if access == .everybody {
            return [.warning("'api-key' changes nothing where everybody is let in", key: "api-key", hint: "leave out 'access'")]
        }
        guard key.utf8.count < 16 else { return [] }
        return [
            .warning(
                "the key has only \(key.utf8.count) characters", key: "api-key", hint: "take 32 random ones: openssl rand -hex 16")
        ]
    }
}

/// Makes the stage `lambda`, and says what it is.
public struct LambdaFactory: StageFactory {
    public static let name = "lambda"
    public static let summary = "Speaks the AWS Lambda Runtime API: events of API Gateway, function URLs, EventBridge and others."
    public static let forms = [StageForm(.start, .exchange)]
    public static let needs: HostNeeds = [.lambdaRuntime]

    public init() {}

    public func make(_ configuration: LambdaConfiguration, form: StageForm, context: StageContext) throws -> any Stage {
        LambdaStage(configuration: configuration, logger: context.logger)
    }
}

/// Gets invocations, one after the other, makes an exchange of each, and tells Lambda what came of it.
package final class LambdaStage: Stage {
    /// The stage is a pipeline's source.
    package typealias Input = Start
    /// Each invocation becomes an exchange.
    package typealias Output = Exchange

    /// What an exchange needs on its loop.
    private struct Place {
        let port: any ExchangePort
        let shard: Shard
    }

    private let configuration: LambdaConfiguration
    private let admission: LambdaAdmission
    private let logger: Logger
    private let place = Mutex<NIOLoopBound<Place>?>(nil)

    init(configuration: LambdaConfiguration, logger: Logger) {
        self.configuration = configuration
        admission = LambdaAdmission(configuration)
        self.logger = logger
    }

    /// Takes the first shard's port for all invocations, of which there is one at a time.
    package func assemble(_ downstream: any ExchangePort, on shard: Shard) throws {
        let bound = NIOLoopBound(Place(port: downstream, shard: shard), eventLoop: shard.loop)
        // One invocation at a time: one loop is enough.
        place.withLock { if $0 == nil { $0 = bound } }
    }

    /// Serves invocations until the Runtime API is gone.
    ///
    /// - Parameters:
    ///   - address: The API's host and port.
    ///   - beforeNext: Called before each invocation is asked for. The process may be frozen then, until it comes.
    package func serve(address: String, beforeNext: @Sendable () async -> Void = {}) async throws {
        guard let place = place.withLock({ $0 }) else { return }
        let runtime = try LambdaRuntime(address: address, loop: place.eventLoop, logger: logger)
        while !Task.isCancelled {
            await beforeNext()
            let invocation = try await runtime.next()
            let reply: LambdaReply
            do throws(LambdaEvent.Malformed) {
                let event = try LambdaEvent(invocation.event)
                guard let channel = await runtime.channel else { continue }
                if let refusal = admission.refusal(of: event) {
                    logger.warning(
                        "a request was refused", metadata: ["client": "\(event.remote)", "invocation": "\(invocation.id)"])
                    reply = LambdaReply(refusal.head, ByteBuffer(string: refusal.body), to: event.origin)
                } else {
                    reply = await answer(event, invocation, channel, place)
                }
            } catch {
                logger.warning("an event is malformed", metadata: ["reason": "\(error.message)", "invocation": "\(invocation.id)"])
                reply = LambdaReply(error)
            }
            try await runtime.reply(reply, to: invocation.id)
        }
    }

    /// Tells Lambda that the function can't be started.
    package static func initFailed(
        address: String, type: String, message: String, on loop: any EventLoop, logger: Logger
    ) async throws {
        try await LambdaRuntime(address: address, loop: loop, logger: logger).initFailed(type: type, message: message)
    }

    private func answer(
        _ event: LambdaEvent, _ invocation: LambdaInvocation, _ channel: any Channel, _ place: NIOLoopBound<Place>
    ) async -> LambdaReply {
        let patience = Self.patience(invocation.deadline, margin: configuration.margin)
        let promise = place.eventLoop.makePromise(of: LambdaReply.self)
        place.eventLoop.execute {
            var head = event.head
            if let trace = invocation.traceID, !head.fields.contains("X-Amzn-Trace-Id") {
                head.fields.append("X-Amzn-Trace-Id", trace)
            }
            let shard = place.value.shard
            let source = LambdaExchange(origin: event.origin, promise: promise)
            let exchange = Exchange(head, from: source, client: Inbound(channel: channel, remote: event.remote), on: shard)
            source.begin(exchange, patience: patience, loop: shard.loop)
            place.value.port.open(exchange)
            if event.body.readableBytes > 0 { exchange.sendRequestBody(event.body) }
            exchange.sendRequestEnd()
            exchange.flushRequest()
        }
        return (try? await promise.futureResult.get())
            ?? .failure(type: "internal", message: "the exchange ended without an answer")
    }

    /// How long an answer may take; nil where Lambda doesn't say.
    private static func patience(_ deadline: Int64?, margin: Duration) -> TimeAmount? {
        guard let deadline else { return nil }
        let now = Int64(Date().timeIntervalSince1970 * 1_000)
        let (left, overflow) = deadline.subtractingReportingOverflow(now)
        let whole = overflow ? 0 : left - Int64(margin / .milliseconds(1))
        return .milliseconds(min(max(whole, 1), 900_000))
    }
}

/// The source of one exchange: gathers its answer.
private final class LambdaExchange: ExchangeSource {
    private let origin: LambdaEvent.Origin
    private let promise: EventLoopPromise<LambdaReply>
    private var exchange: Exchange?
    private var head: ResponseHead?
    private var body = ByteBuffer()
    private var timer: Scheduled<Void>?
    private var isDone = false

    init(origin: LambdaEvent.Origin, promise: EventLoopPromise<LambdaReply>) {
        self.origin = origin
        self.promise = promise
    }

    func begin(_ exchange: Exchange, patience: TimeAmount?, loop: any EventLoop) {
        self.exchange = exchange
        guard let patience else { return }
        timer = loop.assumeIsolated().scheduleTask(in: patience) { [weak self] in self?.expired() }
    }

    override func responseHead(_ head: ResponseHead) {
        if !head.isInformational { self.head = head }
    }

    override func responseBody(_ bytes: ByteBuffer) {
        guard !isDone else { return }
        body.writeImmutableBuffer(bytes)
        guard body.readableBytes <= LambdaReply.limit else {
            let exchange = exchange
            finish(.failure(type: "answer_too_large", message: "the answer has more than \(LambdaReply.limit) bytes"))
            exchange?.abortRequest(Failure(.tooLarge, "the answer is too large for Lambda"))
            return
        }
        exchange?.creditResponse(bytes.readableBytes)
    }

    override func responseEnd(_ trailers: HeaderFields?) {
        guard let head else { return }
        finish(LambdaReply(head, body, to: origin))
    }

    override func responseAborted(_ failure: Failure) { finish(refusal(502, "failed", failure.message)) }

    private func expired() {
        let exchange = exchange
        finish(refusal(504, "timeout", "there was no answer before the function's deadline"))
        exchange?.abortRequest(Failure(.timeout, "the invocation's deadline"))
    }

    private func refusal(_ status: Int, _ code: String, _ message: String) -> LambdaReply {
        let answer = LocalResponse.error(ServiceError(code: code, message: message, status: status))
        return LambdaReply(answer.head, ByteBuffer(string: answer.body), to: origin)
    }

    private func finish(_ reply: LambdaReply) {
        guard !isDone else { return }
        isDone = true
        timer?.cancel()
        exchange = nil
        promise.succeed(reply)
    }
}
