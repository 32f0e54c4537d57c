public import ConfigurationLanguage
import Pipeline
import Platform

/// Where the server is: a host and a port, several of them, or whatever the control plane says.
public enum ServerAddress: Sendable, Hashable, ConfigurationValue, CustomStringConvertible {
    /// The host and port that the configuration names.
    case fixed(HostPort)
    /// The status endpoint of `lifecycle` says it.
    case discover
    /// Several servers, the one that is liked best first.
    case several([NamedServer])

    /// One of several servers.
    public struct NamedServer: Sendable, Hashable {
        /// Its host and port.
        public var address: HostPort
        /// The name that its certificate has to have, where that isn't the host.
        public var name: String?

        /// A server by its address.
        public init(_ address: HostPort, name: String? = nil) {
            self.address = address
            self.name = name
        }
    }

    /// The most servers that there may be.
    static let limit = 16

    /// The address of the server that is liked best, where the configuration says it.
    package var known: HostPort? {
        switch self {
        case .fixed(let address): address
        case .several(let servers): servers.first?.address
        case .discover: nil
        }
    }

    /// Every server by itself.
    package var each: [ServerAddress] {
        guard case .several(let servers) = self else { return [self] }
        return servers.map { .several([$0]) }
    }

    /// The name that the certificate has to have, where that isn't the host.
    var certificateName: String? {
        guard case .several(let servers) = self else { return nil }
        return servers.first?.name
    }

    public static var shape: ValueShape {
        .oneOf([HostPort.shape, .choice(["discover"]), .list(.oneOf([HostPort.shape, NamedServerKeys.shape]))])
    }

    public static var typeDescription: String {
        "a host and a port such as server.example:8443, 'discover', or a list of servers, each with or without a 'name', \(limit) at most"
    }

    public static var keys: [SchemaDescription] { NamedServerKeys.keys }

    public static func decode(_ node: ConfigurationNode, in context: DecodingContext) -> ServerAddress? {
        switch node.content {
        case .scalar(let scalar) where scalar.text == "discover": return .discover
        case .scalar: return HostPort.decode(node, in: context).map { .fixed($0) }
        case .sequence(let entries):
            guard (1...limit).contains(entries.count) else {
                context.report(
                    "\(context.label) wants a list of servers, from 1 to \(limit), and this has \(entries.count)", at: node)
                return nil
            }
            return [Entry].decode(node, in: context).map { .several($0.map(\.server)) }
        case .mapping:
            context.reject(node, wanted: typeDescription, InvalidValue(hint: "write a list, even of one: [{ at: …, name: … }]"))
            return nil
        case .null:
            context.reject(node, wanted: typeDescription)
            return nil
        }
    }

    private struct Entry: ConfigurationValue {
        let server: NamedServer

        static var typeDescription: String { "a host and a port, or 'at' and 'name'" }

        static func decode(_ node: ConfigurationNode, in context: DecodingContext) -> Entry? {
            if case .scalar(let scalar) = node.content, scalar.text == "discover" {
                context.report("'discover' stands alone, not in a list", at: node)
                return nil
            }
            if case .scalar = node.content { return HostPort.decode(node, in: context).map { Entry(server: NamedServer($0)) } }
            return NamedServerKeys.decode(node, in: context).map { Entry(server: NamedServer($0.at, name: $0.name)) }
        }

        var printed: String {
            guard let name = server.name else { return server.address.printed }
            return "{at: \(server.address.printed), name: \(name.printed)}"
        }
    }

    public var description: String {
        switch self {
        case .fixed(let address): address.description
        case .discover: "discover"
        case .several(let servers): servers.map(\.address.description).joined(separator: ", ")
        }
    }

    public var printed: String {
        switch self {
        case .fixed(let address): address.printed
        case .discover: "discover"
        case .several(let servers): servers.map { Entry(server: $0) }.printed
        }
    }
}

/// What a server that isn't named by its address alone can be told.
private struct NamedServerKeys: NestedConfiguration {
    var at = HostPort(host: "localhost", port: 8443)
    var name: String?

    static let schema = Schema<NamedServerKeys>(
        .required("at", \.at, "Its host and port."),
        .optional("name", \.name, "The name that its certificate has to have, where that isn't the host.")
    )

    func validate() -> [ConfigurationProblem] {
        guard let name, HostName.problem(of: name) != nil else { return [] }
        return [
            ConfigurationProblem(
                "no certificate has the name '\(ForeignText.line(name, limit: 60))'", key: "name",
                hint: "a host's name, without a port: 'fluidity cert show' tells the names of a certificate")
        ]
    }
}
