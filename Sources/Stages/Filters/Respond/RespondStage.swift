public import ConfigurationLanguage
import HTTPMessages
package import Instruments
import NIOCore
public import Pipeline

/// What `respond` can be told.
public struct RespondConfiguration: StageConfiguration {
    /// The status of every answer.
    public var status = 200
    /// The body of every answer, as text.
    public var body = ""
    /// The fields of every answer; a body without a Content-Type is `text/plain; charset=utf-8`.
    public var fields = FieldList()

    public init() {}

    public static let schema = Schema<RespondConfiguration>(
        .optional("status", \.status, in: 200...599, "The status of every answer."),
        .optional("body", \.body, "The body of every answer, as text."),
        .optional(
            "fields", \.fields, "Fields of every answer. A body without a Content-Type is 'text/plain; charset=utf-8'.")
    )

    public func validate() -> [ConfigurationProblem] {
        var problems: [ConfigurationProblem] = []
        if [204, 205, 304].contains(status), !body.isEmpty {
            problems.append(
                ConfigurationProblem("an answer with status \(status) has no body", key: "body", hint: "leave 'body' out"))
        }
        if body.utf8.count > 1 << 20 {
            problems.append(ConfigurationProblem("the body has more than 1 MiB", key: "body"))
        }
        return problems
    }

    /// The head of every answer.
    var head: ResponseHead {
        let text = status == 204 || status == 304 ? BodyLength.none : .known(Int64(body.utf8.count))
        var head = ResponseHead(status: status, reason: HTTPStatus.reason(status), body: text, fields: fields.fields)
        if !body.isEmpty, !head.fields.contains("Content-Type") {
            head.fields.append("Content-Type", "text/plain; charset=utf-8")
        }
        return head
    }
}

/// Makes the stage `respond`, and says what it is.
public struct RespondFactory: StageFactory {
    public static let name = "respond"
    public static let summary = "Answers every request with the same response: for tests, and for checks of health."
    public static let forms = [StageForm(.exchange, .end)]

    public init() {}

    public func make(_ configuration: RespondConfiguration, form: StageForm, context: StageContext) throws -> any Stage {
        RespondStage(configuration: configuration)
    }
}

/// Takes exchanges and gives each the same answer.
struct RespondStage: Stage {
    typealias Input = Exchange
    typealias Output = End
    let configuration: RespondConfiguration

    func assemble(_ downstream: Void, on shard: Shard) throws -> any ExchangePort {
        RespondFactory.port(configuration, on: shard)
    }
}

extension RespondConfiguration: NestedConfiguration {}

extension RespondFactory {
    /// What is counted of the answers that another stage gives as this one does.
    package static let answers = Metrics.all

    /// Gives each exchange the same answer, for a stage that has this one's keys among its own. Assembled with that stage.
    package static func port(_ configuration: RespondConfiguration, on shard: Shard) -> any ExchangePort {
        RespondPort(
            configuration: configuration, answered: shard.metrics.counter(Metrics.answers, shard.assembling?.labels ?? []))
    }
}

final class RespondPort: ExchangePort {
    let head: ResponseHead
    let body: ByteBuffer
    let answered: Counter

    init(configuration: RespondConfiguration, answered: Counter) {
        head = configuration.head
        body = ByteBuffer(string: configuration.body)
        self.answered = answered
    }

    func open(_ exchange: Exchange) {
        answered.add()
        if exchange.request.kind == .tunnel, (200..<300).contains(head.status) {
            // A 2xx answer would open a tunnel, to nowhere.
            var refusal = LocalResponse(status: 405, body: "There is nothing to connect to here.\n")
            refusal.head.fields.append("Allow", "GET, HEAD, OPTIONS, POST, PUT, DELETE")
            return exchange.respond(refusal)
        }
        let responder = Responder(port: self, exchange: exchange)
        exchange.attach(responder)
        // Who waits for a 100 before the body, or for another protocol, gets the final answer in its place.
        if exchange.request.kind != .plain || exchange.request.fields.contains("Expect") { responder.respond() }
    }
}

/// Drops what comes, and answers when all of it has: so the client's connection can be used on.
private final class Responder: ExchangeSink {
    private let port: RespondPort
    private let exchange: Exchange

    init(port: RespondPort, exchange: Exchange) {
        self.port = port
        self.exchange = exchange
    }

    override func requestBody(_ bytes: ByteBuffer) { exchange.creditRequest(bytes.readableBytes) }
    override func requestEnd(_ trailers: HeaderFields?) { respond() }

    func respond() { exchange.respond(port.head, port.body) }
}

@available(*, unavailable)
extension RespondPort: Sendable {}
