/// A value with the line of the file that it stands on, for what is said of it while the pipeline runs.
public struct Positioned<Value: ConfigurationValue & Equatable>: ConfigurationValue, Equatable {
    /// The value itself.
    public var value: Value
    /// Nil for one that was set from outside the file.
    public var line: Int?

    /// A value with its line, counted from 1; without one where it was made in code.
    public init(_ value: Value, line: Int? = nil) {
        self.value = value
        self.line = line
    }

    public static var typeDescription: String { Value.typeDescription }
    public static var isSecret: Bool { Value.isSecret }
    public static var keys: [SchemaDescription] { Value.keys }
    public static var shape: ValueShape { Value.shape }

    public static func decode(_ node: ConfigurationNode, in context: DecodingContext) -> Positioned? {
        guard let value = context.read(Value.self, from: node) else { return nil }
        guard case .file(let position) = node.origin else { return Positioned(value) }
        return Positioned(value, line: position.line)
    }

    public var printed: String { value.printed }

    public func problems() -> [ConfigurationProblem] { value.problems() }
}
