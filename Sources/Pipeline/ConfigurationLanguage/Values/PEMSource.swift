/// PEM text: a file of it, or the text itself, where a platform hands out secrets in the environment
/// (`key: "${env:FLUIDITY_KEY}"`). The text is never printed.
public enum PEMSource: Sendable, Hashable, ConfigurationValue, CustomStringConvertible {
    /// The path of a file that has the PEM text.
    case file(FilePath)
    /// The PEM text itself.
    case text(Secret)

    /// What tells text from a path (RFC 7468, 2).
    private static let beginning = "-----BEGIN "

    public static var typeDescription: String { "the path of a PEM file, or PEM text" }
    public static var shape: ValueShape { .text }

    public static func decode(_ node: ConfigurationNode, in context: DecodingContext) -> PEMSource? {
        if case .scalar(let scalar) = node.content {
            if scalar.text.hasPrefix(beginning) { return .text(Secret(scalar.text)) }
            if scalar.text.utf8.contains(0x0A) || scalar.text.utf8.count > 4_096 {
                // Perhaps a key whose first line was lost: it isn't shown.
                context.report("\(context.label) is neither a path nor PEM text", at: node, hint: "PEM begins with '\(beginning)…'")
                return nil
            }
        }
        return FilePath.decode(node, in: context).map(PEMSource.file)
    }

    public func problems() -> [ConfigurationProblem] {
        switch self {
        case .file(let file): file.problems()
        case .text: []
        }
    }

    public var description: String {
        switch self {
        case .file(let file): file.description
        case .text(let secret): secret.description
        }
    }

    public var printed: String {
        switch self {
        case .file(let file): file.printed
        case .text(let secret): secret.printed
        }
    }
}
