public import Addresses
public import ConfigurationLanguage
import HTTPMessages

/// What a browser is told to send through this proxy and what not, in a file that it asks for.
public struct PACConfiguration: NestedConfiguration {
    /// The path under which browsers find the file.
    public var path = "/proxy.pac"
    /// What browsers reach without the proxy.
    public var direct: [DirectDestination] = []

    public init() {}

    /// A file that sends browsers past the proxy to these destinations.
    public init(path: String = "/proxy.pac", direct: [DirectDestination]) {
        self.path = path
        self.direct = direct
    }

    public static let schema = Schema<PACConfiguration>(
        .optional("path", \.path, "Where browsers find the file, as in http://127.0.0.1:8080/proxy.pac."),
        .optional(
            "direct", \.direct,
            "What browsers reach without the proxy: hosts, names with everything below them (.example.com), networks.")
    )

    public func validate() -> [ConfigurationProblem] {
        let isPath = path.utf8.first == UInt8(ascii: "/") && path.utf8.allSatisfy { HTTPGrammar.isTargetByte($0) && $0 < 0x80 }
        guard !isPath || path.contains("?") || path.contains("#") else { return [] }
        return [ConfigurationProblem("'path' must be a path such as /proxy.pac", key: "path")]
    }
}

/// An entry of what is reached directly.
public enum DirectDestination: Sendable, Equatable, ScalarConfigurationValue {
    /// Exactly this host, in lower case.
    case host(String)
    /// The name without its first dot: itself and everything below it.
    case domain(String)
    /// Hosts that are written as addresses of this network.
    case network(Network)

    public static var typeDescription: String { "a host, a name with what is below it such as .example.com, or a network" }

    public init(configured text: String) throws(InvalidValue) {
        if text.contains("/") || Network(text) != nil {
            self = .network(try Network(configured: text))
            return
        }
        let isDomain = text.hasPrefix(".") || text.hasPrefix("*.")
        let name = String(isDomain ? text.drop { $0 == "*" }.dropFirst() : text[...]).lowercased()
        guard let authority = Authority(name), authority.port == nil, authority.host == name, !name.hasPrefix(".") else {
            throw InvalidValue(text.contains("*") ? "a star stands only before the first dot: *.example.com" : nil)
        }
        if let problem = HostName.problem(of: name) { throw problem }
        self = isDomain ? .domain(name) : .host(name)
    }

    public func problems() -> [ConfigurationProblem] {
        switch self {
        case .host, .domain: Self.problems(of: printedText)
        case .network(let network): network.problems()
        }
    }

    private var printedText: String {
        switch self {
        case .host(let name): name
        case .domain(let name): ".\(name)"
        case .network(let network): network.printed
        }
    }

    public var printed: String {
        switch self {
        case .host(let name): name
        case .domain(let name): "\".\(name)\""
        case .network(let network): network.printed
        }
    }
}
