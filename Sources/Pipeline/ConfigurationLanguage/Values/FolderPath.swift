import Platform

/// The path of a folder that the program keeps something in. A relative path starts from the configuration file's folder. It needn't exist: a
/// folder in which nothing is yet may be made when something is put there.
public struct FolderPath: Sendable, Hashable, ConfigurationValue, CustomStringConvertible {
    /// The path, resolved against the configuration file's folder where it was read from a file.
    public var path: String

    /// A path that is taken as it is: the folder is not looked for.
    public init(_ path: String) {
        self.path = path
    }

    public static var typeDescription: String { "the path of a folder" }
    public static var shape: ValueShape { .text }

    public static func decode(_ node: ConfigurationNode, in context: DecodingContext) -> FolderPath? {
        guard case .scalar(let scalar) = node.content, !scalar.text.isEmpty, !scalar.text.utf8.contains(0) else {
            context.reject(node, wanted: typeDescription)
            return nil
        }
        let path = FileAccess.resolve(scalar.text, from: context.directory(of: node))
        guard context.checksFiles else { return FolderPath(path) }
        let shown = context.isHidden(node) ? "the folder" : "the folder '\(path)'"
        switch FileAccess.kind(of: path) {
        case .directory, .missing: return FolderPath(path)
        case .file: context.report("\(context.label): \(shown) is a file", at: node)
        case .unreachable(let reason): context.report("\(context.label): \(shown) can't be reached: \(reason)", at: node)
        }
        return nil
    }

    public func problems() -> [ConfigurationProblem] {
        path.isEmpty ? [ConfigurationProblem("the path of a folder is missing")] : []
    }

    public var description: String { path }
    public var printed: String { PlainText.quotedIfNeeded(path) }
}
