/// Collects what is wrong while values are read, and knows which key is being read. Used by one load, on one thread.
public final class DecodingContext {
    /// The folder that relative paths start from: the configuration file's.
    public let directory: String
    private(set) var findings: [Finding] = []
    fileprivate var path: [String] = []
    private var secrecy = 0
    /// Where each key that was read stands, by its dotted path: later checks name a key, and get its place.
    private(set) var origins: [String: ConfigurationNode.Origin] = [:]

    struct Finding {
        var message: String
        var hint: String?
        var origin: ConfigurationNode.Origin
        var severity: ConfigurationError.Severity
    }

    init(directory: String) {
        self.directory = directory
    }

    /// The key being read.
    var key: String { path.last ?? "" }

    /// The key being read, in quotes.
    public var label: String { "'\(key)'" }

    /// Whether the value being read must not be shown.
    public var isSecret: Bool { secrecy > 0 }

    public func report(
        _ message: String, at node: ConfigurationNode, hint: String? = nil, severity: ConfigurationError.Severity = .error
    ) {
        report(message, at: node.origin, hint: hint, severity: severity)
    }

    func report(
        _ message: String, at origin: ConfigurationNode.Origin, hint: String? = nil,
        severity: ConfigurationError.Severity = .error
    ) {
        findings.append(Finding(message: message, hint: hint, origin: origin, severity: severity))
    }

    /// Reports that a node isn't what the key wants.
    public func reject(_ node: ConfigurationNode, wanted: String, _ problem: InvalidValue = InvalidValue()) {
        var message = "\(label) wants \(wanted), not \(node.shown(secret: isSecret))"
        if let reason = problem.reason { message += ": \(reason)" }
        report(message, at: node, hint: problem.hint)
    }

    func within(_ key: String, secret: Bool, _ body: () -> Void) {
        path.append(key)
        if secret { secrecy += 1 }
        body()
        if secret { secrecy -= 1 }
        path.removeLast()
    }

    func note(_ key: String, at origin: ConfigurationNode.Origin) {
        origins[(path + [key]).joined(separator: ".")] = origin
    }
}

@available(*, unavailable)
extension DecodingContext: Sendable {}

extension DecodingContext {
    /// Where a key of the mapping that is being read stands.
    func origin(of key: String) -> ConfigurationNode.Origin? {
        origins[(path + [key]).joined(separator: ".")]
    }
}
