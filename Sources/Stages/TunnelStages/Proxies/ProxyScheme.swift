public import ConfigurationLanguage

/// A way to say to a proxy who one is, the strongest first.
public enum ProxyScheme: String, Sendable, CaseIterable, ConfigurationChoice {
    /// Kerberos, and what else the system's GSS-API negotiates (RFC 4559).
    case negotiate
    /// Windows' own, by the system's GSS-API.
    case ntlm
    /// A hash of user and password (RFC 7616).
    case digest
    /// User and password as they are (RFC 7617).
    case basic

    /// The name that proxies have for it.
    package var name: String {
        switch self {
        case .negotiate: "Negotiate"
        case .ntlm: "NTLM"
        case .digest: "Digest"
        case .basic: "Basic"
        }
    }

    /// Whether it goes by what the security library of the system makes, in one or several legs.
    var isTokens: Bool { self == .negotiate || self == .ntlm }

    /// What is shown where nothing else is wanted: what needs no library, and shows nothing that the configuration doesn't have.
    package static let usual: [ProxyScheme] = [.digest, .basic]
}

/// Schemes in a configuration: one, or a list.
public struct ProxySchemes: Sendable, Equatable, ConfigurationValue, ExpressibleByArrayLiteral {
    /// As they were written; their order says nothing.
    public let schemes: [ProxyScheme]

    public init(arrayLiteral elements: ProxyScheme...) { schemes = elements }

    /// These, in any order.
    public init(_ schemes: [ProxyScheme]) { self.schemes = schemes }

    public static var typeDescription: String { "\(ProxyScheme.typeDescription), or a list of these" }
    public static var shape: ValueShape { .oneOf([ProxyScheme.shape, .list(ProxyScheme.shape)]) }

    public static func decode(_ node: ConfigurationNode, in context: DecodingContext) -> ProxySchemes? {
        if case .sequence = node.content { return [ProxyScheme].decode(node, in: context).map { ProxySchemes($0) } }
        return ProxyScheme.decode(node, in: context).map { [$0] }
    }

    public var printed: String { schemes.count == 1 ? schemes[0].printed : schemes.printed }
}

/// By which schemes this side says to proxies who it is, beside what a proxy's URL has.
package struct ProxyAccess: Sendable, Hashable {
    /// Those that may be used.
    package var schemes: Set<ProxyScheme>
    /// A file with the keys of Kerberos principals, which stand in for a password.
    package var keytab: String?
    /// Whose key that is; nil for the first one in it.
    package var principal: String?

    /// What a configuration that says nothing of it has.
    package static let usual = ProxyAccess()

    /// - Parameter schemes: Nil for the usual ones.
    package init(schemes: [ProxyScheme]? = nil, keytab: String? = nil, principal: String? = nil) {
        self.schemes = Set(schemes ?? ProxyScheme.usual)
        self.keytab = keytab
        self.principal = principal
    }

    /// Whether the security library may be needed.
    package var usesTokens: Bool { schemes.contains(where: \.isTokens) }

    /// The strongest first, as proxies call them.
    var names: [String] { ProxyScheme.allCases.filter(schemes.contains).map(\.name) }

    /// The same for whoever has the same access, and for nobody else.
    var text: String { "\(names) \(keytab ?? "") \(principal ?? "")" }
}
