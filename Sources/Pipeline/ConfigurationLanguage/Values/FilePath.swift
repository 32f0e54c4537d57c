import Platform

/// A file that must exist. A relative path starts from the configuration file's folder; in code, where it can be a literal, from
/// the folder that the process works in.
public struct FilePath: Sendable, Hashable, ConfigurationValue, CustomStringConvertible {
    /// The path, resolved against the configuration file's folder where it was read from a file.
    public var path: String

    /// A path that is taken as it is: the file is not looked for.
    public init(_ path: String) {
        self.path = path
    }

    public static var typeDescription: String { "the path of a file" }

    public static func decode(_ node: ConfigurationNode, in context: DecodingContext) -> FilePath? {
        guard case .scalar(let scalar) = node.content, !scalar.text.isEmpty, !scalar.text.utf8.contains(0) else {
            context.reject(node, wanted: typeDescription)
            return nil
        }
        let path = FileAccess.resolve(scalar.text, from: context.directory(of: node))
        guard context.checksFiles else { return FilePath(path) }
        let shown = context.isHidden(node) ? "the file" : "the file '\(path)'"
        switch FileAccess.kind(of: path) {
        case .file:
            return FilePath(path)
        case .directory:
            context.report("\(context.label): \(shown) is a folder", at: node)
        case .missing:
            let hint = scalar.text.hasPrefix("/") ? nil : "a relative path starts from this file's folder"
            context.report("\(context.label): \(shown) doesn't exist", at: node, hint: hint)
        case .unreachable(let reason):
            context.report("\(context.label): \(shown) can't be reached: \(reason)", at: node)
        }
        return nil
    }

    public func problems() -> [ConfigurationProblem] {
        path.isEmpty ? [ConfigurationProblem("the path of a file is missing")] : []
    }

    public var description: String { path }
    public var printed: String { PlainText.quotedIfNeeded(path) }
}

extension FilePath: ExpressibleByStringLiteral {
    public init(stringLiteral path: String) { self.init(path) }
}
