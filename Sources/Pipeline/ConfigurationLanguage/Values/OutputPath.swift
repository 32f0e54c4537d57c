import Platform

/// Where text goes: `stderr`, `stdout`, or a file that is made if it isn't there. A relative path starts from the configuration file's
/// folder.
public enum OutputPath: Sendable, Hashable, ConfigurationValue, CustomStringConvertible {
    /// The standard error of the process, written `stderr`.
    case standardError
    /// A file by its path, resolved against the configuration file's folder.
    case file(String)

    public static var typeDescription: String { "'stderr', 'stdout' or the path of a file" }
    public static var shape: ValueShape { .text(pattern: ".") }

    public static func decode(_ node: ConfigurationNode, in context: DecodingContext) -> OutputPath? {
        guard case .scalar(let scalar) = node.content, !scalar.text.isEmpty, !scalar.text.utf8.contains(0) else {
            context.reject(node, wanted: typeDescription)
            return nil
        }
        guard scalar.text != "stderr" else { return .standardError }
        // A path that stands for it, so that it is opened as any other.
        guard scalar.text != "stdout" else { return .file("/dev/stdout") }
        let path = FileAccess.resolve(scalar.text, from: context.directory(of: node))
        if case .directory = FileAccess.kind(of: path) {
            context.report("\(context.label): '\(path)' is a folder", at: node, hint: "name a file in it")
            return nil
        }
        let folder = FileAccess.directory(of: path)
        guard case .directory = FileAccess.kind(of: folder.isEmpty ? "." : folder) else {
            context.report("\(context.label): the folder '\(folder)' doesn't exist", at: node)
            return nil
        }
        return .file(path)
    }

    public var description: String {
        switch self {
        case .standardError: "stderr"
        case .file(let path): path
        }
    }

    public var printed: String { PlainText.quotedIfNeeded(description) }
}
