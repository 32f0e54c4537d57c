/// A value with its place in the file, for what is said of it while the pipeline runs.
public struct Positioned<Value: ConfigurationValue & Equatable>: ConfigurationValue, Equatable {
    /// The value itself.
    public var value: Value
    /// Nil for one that was set from outside the file.
    public var line: Int?
    /// The file's name without its folder; nil where nobody knows it.
    public var file: String?

    /// A value with its line, counted from 1, and its file; without either where it was made in code.
    public init(_ value: Value, line: Int? = nil, file: String? = nil) {
        self.value = value
        self.line = line
        self.file = file
    }

    /// Where it stands; nil for one that was set from outside the file.
    public var place: RulePlace? { line.map { RulePlace(file: file, line: $0) } }

    public static var typeDescription: String { Value.typeDescription }
    public static var isSecret: Bool { Value.isSecret }
    public static var keys: [SchemaDescription] { Value.keys }
    public static var shape: ValueShape { Value.shape }

    public static func decode(_ node: ConfigurationNode, in context: DecodingContext) -> Positioned? {
        guard let value = context.read(Value.self, from: node) else { return nil }
        guard let place = RulePlace(node, in: context) else { return Positioned(value) }
        return Positioned(value, line: place.line, file: place.file)
    }

    public var printed: String { value.printed }

    public func problems() -> [ConfigurationProblem] { value.problems() }
}

/// The line of a file that decides something.
public struct RulePlace: Sendable, Hashable, CustomStringConvertible {
    /// The file's name without its folder, which is nobody's business who is refused; nil where nobody knows it.
    public var file: String?
    /// The line, from 1.
    public var line: Int

    /// A line of a file.
    public init(file: String?, line: Int) {
        self.file = file
        self.line = line
    }

    /// Where a node stands; nil for one that was set from outside the file.
    public init?(_ node: ConfigurationNode, in context: DecodingContext) {
        guard case .file(let position) = node.origin else { return nil }
        self.init(
            file: context.file(of: node).map { String($0[($0.lastIndex(of: "/").map($0.index(after:)) ?? $0.startIndex)...]) },
            line: position.line)
    }

    /// `server.yaml:12`, or `line 12`.
    public var description: String { file.map { "\($0):\(line)" } ?? "line \(line)" }
}
