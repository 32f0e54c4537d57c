public import ConfigurationLanguage
public import Filters
import HTTPMessages
import NIOCore
public import Pipeline

/// What `websocket` can be told.
public struct WebSocketConfiguration: StageConfiguration {
    /// The path of the WebSocket.
    public var path = "/tunnel"
    /// The host that requests name; nil for the one that is dialled, or on the server's side any.
    public var host: String?
    /// Further fields of the request that asks for the WebSocket.
    public var fields: FieldList?
    /// How long the handshake may take.
    public var timeout = Duration.seconds(10)
    /// The answer to every other request on the server's side; nil for 404.
    public var site: RespondConfiguration?

    public init() {}

    public static let schema = Schema<WebSocketConfiguration>(
        .optional(
            "path", \.path,
            "The path of the WebSocket, the same on both sides unless a reverse proxy changes it. One that nobody guesses hides that there is a tunnel."
        ),
        .optional(
            "host", \.host,
            "The Host field. The default is the host that 'connect' dials, with its port unless that is the usual one; on the server's side requests may name any host, and with this only that one."
        ),
        .optional(
            "fields", \.fields,
            "After exchanges: further fields of the request, such as those that a reverse proxy wants to see before it lets anybody in."
        ),
        .optional(
            "timeout", \.timeout, in: .milliseconds(100)...(.seconds(120)), "How long the handshake may take."),
        .optional(
            "site", \.site,
            "After 'accept': the answer to every request that isn't for the WebSocket, with the keys of 'respond'. The default is 404."
        )
    )

    /// Fields that the handshake makes itself (RFC 6455, 4.1).
    private static let own = ["Sec-WebSocket-Key", "Sec-WebSocket-Version", "Sec-WebSocket-Accept", "Sec-WebSocket-Extensions"]

    public func validate() -> [ConfigurationProblem] {
        var problems: [ConfigurationProblem] = []
        if path.utf8.first != UInt8(ascii: "/") || !path.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) || path.contains("#") {
            problems.append(
                ConfigurationProblem(
                    "'\(path)' is no path", key: "path", hint: "it begins with a slash and has no blanks, as in '/tunnel'"))
        }
        if let host, host.isEmpty || !host.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) || host.contains("/") {
            problems.append(
                ConfigurationProblem(
                    "'\(host)' is no host", key: "host", hint: "a name, and perhaps a port, as in 'www.example.org'"))
        }
        if let fields, let name = Self.own.first(where: { fields.fields.contains($0) }) {
            problems.append(ConfigurationProblem("the field '\(name)' is made anew for each WebSocket", key: "fields"))
        }
        return problems
    }
}

/// Makes the stage `websocket`, and says what it is.
public struct WebSocketFactory: StageFactory {
    public static let name = "websocket"
    public static let summary = "Carries connections in WebSockets, through what passes only HTTP."
    public static let forms = [StageForm(.inbound, .inbound), StageForm(.outbound, .outbound)]

    public init() {}

    public func make(_ configuration: WebSocketConfiguration, form: StageForm, context: StageContext) throws -> any Stage {
        let patience = TimeAmount(configuration.timeout)
        guard form.input == .outbound else {
            guard configuration.fields == nil else {
                throw StageError(.configuration, "'fields' is for the side that asks for the WebSocket", key: "fields")
            }
            return WebSocketServerStage(
                offer: WebSocketOffer(path: configuration.path, host: configuration.host), patience: patience,
                site: configuration.site ?? Self.notFound)
        }
        guard configuration.site == nil else {
            throw StageError(.configuration, "'site' is for the side that accepts connections", key: "site")
        }
        let dialled = context.surroundings.hostField
        return WebSocketClientStage(
            request: .init(
                path: configuration.path, host: configuration.host ?? dialled ?? "",
                fields: configuration.fields?.fields ?? HeaderFields()),
            namesDialledHost: configuration.host == nil && dialled == nil, patience: patience)
    }

    private static var notFound: RespondConfiguration {
        var answer = RespondConfiguration()
        answer.status = 404
        answer.body = "Not Found\n"
        return answer
    }
}

extension StageSurroundings {
    /// The Host field of requests to what the last stage dials; nil where that is found out later.
    fileprivate var hostField: String? {
        guard case .at(let place)? = after.last?.dials else { return nil }
        let usual = after.contains { $0.name == "tls" } ? 443 : 80
        let host = place.host.contains(":") ? "[\(place.host)]" : place.host
        return place.port == usual ? host : "\(host):\(place.port)"
    }
}
