/// Collects what is wrong while values are read, and knows which key is being read. Used by one load, on one thread.
public final class DecodingContext {
    private let directory: String
    private let files: SourceFiles?
    /// What was reported so far, in that order.
    package private(set) var findings: [ConfigurationFinding] = []
    private var path: [String] = []
    private var secrecy = 0
    private var unknowns = 0
    /// Where the values of secret keys stand in the file.
    package private(set) var secrets: Set<SourcePosition> = []
    /// Where each key that was read stands, by its dotted path: later checks name a key, and get its place.
    package private(set) var origins: [String: ConfigurationNode.Origin] = [:]
    /// What was replaced in the values of keys, by their dotted paths.
    package private(set) var references: [String: [String]] = [:]
    /// Whether files that a configuration names must exist.
    let checksFiles: Bool
    /// What values ask for that are made of more than a text: who reads lists of stages.
    package var companion: AnyObject?

    /// A context for one load.
    /// - Parameter checksFiles: Whether files that a configuration names must exist.
    package init(directory: String, checksFiles: Bool = true) {
        self.directory = directory
        files = nil
        self.checksFiles = checksFiles
    }

    /// A context for one load of a configuration that stands in files.
    package init(files: SourceFiles, checksFiles: Bool = true) {
        directory = ""
        self.files = files
        self.checksFiles = checksFiles
    }

    /// The folder that relative paths start from: that of the file in which a node stands.
    public func directory(of node: ConfigurationNode) -> String { files?.directory(of: node.origin) ?? directory }

    /// The file in which a node stands, as whoever has the configuration loaded names it; nil where there is none.
    public func file(of node: ConfigurationNode) -> String? {
        guard case .file(let position) = node.origin, let name = files?.name(of: position), !name.isEmpty else { return nil }
        return name
    }

    /// The key being read.
    var key: String { path.last ?? "" }

    /// The key being read, in quotes.
    public var label: String { "'\(key)'" }

    /// Whether the value being read must not be shown.
    public var isSecret: Bool { secrecy > 0 }

    /// Whether a node's text must not be shown: it is a secret, or the content of a file.
    public func isHidden(_ node: ConfigurationNode) -> Bool {
        guard case .scalar(let scalar) = node.content else { return isSecret }
        return isSecret || scalar.isHidden
    }

    /// Notes something that is wrong. Reading goes on, so that all of it is told in one run.
    public func report(
        _ message: String, at node: ConfigurationNode, hint: String? = nil, severity: ConfigurationError.Severity = .error
    ) {
        report(message, at: node.origin, hint: hint, severity: severity)
    }

    func report(
        _ message: String, at origin: ConfigurationNode.Origin, hint: String? = nil,
        severity: ConfigurationError.Severity = .error
    ) {
        findings.append(ConfigurationFinding(message: message, hint: hint, origin: origin, severity: severity))
    }

    /// Reports what a check of a whole configuration found: at the keys that it names, else at `place`.
    package func report(_ problems: [ConfigurationProblem], else place: ConfigurationNode.Origin) {
        for problem in problems {
            report(
                problem.message, at: problem.key.flatMap { origin(of: $0) } ?? place, hint: problem.hint,
                severity: problem.isWarning ? .warning : .error
            )
        }
    }

    /// Reports that a node isn't what the key wants.
    public func reject(_ node: ConfigurationNode, wanted: String, _ problem: InvalidValue = InvalidValue()) {
        var message = "\(label) wants \(wanted), not \(node.shown(secret: isSecret))"
        if let reason = problem.reason { message += ": \(reason)" }
        report(message, at: node, hint: problem.hint)
    }

    /// Reads a value, unless its text refers to something that couldn't be found: that was reported, and is enough.
    func read<Value: ConfigurationValue>(_ type: Value.Type, from node: ConfigurationNode) -> Value? {
        if case .scalar(let scalar) = node.content, scalar.isUnknown {
            unknowns += 1
            return nil
        }
        return Value.decode(node, in: self)
    }

    /// Whether a text from outside the file, `null` or `~`, stands for nothing: to a type that has no such value. For a text it is
    /// that text.
    func meansNothing<Value: ConfigurationValue>(_ node: ConfigurationNode, to type: Value.Type) -> Bool {
        guard case .scalar(let scalar) = node.content, scalar.isVerbatim, PlainText.isNull(scalar.text) else {
            return false
        }
        return Value.decode(node, in: DecodingContext(directory: directory(of: node), checksFiles: false)) == nil
    }

    /// Whether anything was wrong since an earlier mark.
    func isFlawed(since mark: Mark) -> Bool {
        unknowns > mark.unknowns || findings[mark.findings...].contains { $0.severity == .error }
    }

    struct Mark {
        var findings: Int
        var unknowns: Int
    }

    var mark: Mark { Mark(findings: findings.count, unknowns: unknowns) }

    func within(_ key: String, secret: Bool, _ body: () -> Void) {
        path.append(key)
        if secret { secrecy += 1 }
        body()
        if secret { secrecy -= 1 }
        path.removeLast()
    }

    func note(_ key: String, isSecret: Bool, _ node: ConfigurationNode) {
        if isSecret, case .file(let position) = node.origin { secrets.insert(position) }
        let path = (path + [key]).joined(separator: ".")
        origins[path] = node.origin
        let replaced = node.references
        if !replaced.isEmpty { references[path] = replaced }
    }

    /// The text of a scalar turned out to have a secret in it: neither it nor its line is shown. The result is the node to go on
    /// with.
    public func conceal(_ node: ConfigurationNode) -> ConfigurationNode {
        guard case .scalar(var scalar) = node.content else { return node }
        if case .file(let position) = node.origin { secrets.insert(position) }
        scalar.isHidden = true
        var hidden = node
        hidden.content = .scalar(scalar)
        return hidden
    }

    /// Where a key of the mapping that is being read stands.
    func origin(of key: String) -> ConfigurationNode.Origin? {
        origins[(path + [key]).joined(separator: ".")]
    }
}

@available(*, unavailable)
extension DecodingContext: Sendable {}
