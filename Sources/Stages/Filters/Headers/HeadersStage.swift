public import ConfigurationLanguage
import HTTPMessages
public import Pipeline

/// What `headers` can be told.
public struct HeadersConfiguration: StageConfiguration {
    /// What happens to requests' fields.
    public var request = FieldChanges()
    /// What happens to responses' fields, those of this program's own answers excepted.
    public var response = FieldChanges()
    /// What requests say of the client's address.
    public var forwardedFor = ForwardedFor.off

    public init() {}

    public static let schema = Schema<HeadersConfiguration>(
        .optional("request", \.request, "What happens to requests' fields: rename, remove, set, add, in this order."),
        .optional("response", \.response, "What happens to responses' fields, those of this program's own answers excepted."),
        .optional(
            "forwarded-for", \.forwardedFor,
            "What requests say of the client's address. 'off' passes what the client wrote and adds nothing.")
    )

    public func validate() -> [ConfigurationProblem] {
        request.isEmpty && response.isEmpty && forwardedFor == .off
            ? [.warning("'headers' changes nothing", hint: "its keys are request, response and forwarded-for")] : []
    }
}

/// Makes the stage `headers`, and says what it is.
public struct HeadersFactory: StageFactory {
    public static let name = "headers"
    public static let summary =
        "Sets, adds, removes and renames fields of requests and responses; values may have {identity}, {client}, {request-id}."
    public static let forms = [StageForm(.exchange, .exchange)]

    public init() {}

    public func make(_ configuration: HeadersConfiguration, form: StageForm, context: StageContext) throws -> any Stage {
        HeadersStage(configuration: configuration)
    }
}

struct HeadersStage: FilterStage {
    let configuration: HeadersConfiguration

    func gate(for exchange: Exchange) -> Gate? { HeadersGate(configuration) }
}

private final class HeadersGate: Gate {
    private let configuration: HeadersConfiguration

    init(_ configuration: HeadersConfiguration) {
        self.configuration = configuration
        super.init(interests: configuration.response.isEmpty ? [.requestHead] : [.requestHead, .responseHead])
    }

    override func requestHead(_ head: inout RequestHead, _ exchange: Exchange) -> GateDecision {
        configuration.forwardedFor.apply(to: &head.fields, exchange)
        let host = head.host
        configuration.request.apply(to: &head.fields, exchange, host: host)
        return .forward
    }

    override func responseHead(_ head: inout ResponseHead, _ exchange: Exchange) -> GateDecision {
        if !head.isInformational {
            configuration.response.apply(to: &head.fields, exchange, host: exchange.request.host)
        }
        return .forward
    }
}
