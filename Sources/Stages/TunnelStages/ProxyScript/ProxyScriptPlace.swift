public import ConfigurationLanguage

/// Where a proxy auto-configuration is: a script that says by which way a host is reached.
public enum ProxyScriptPlace: Sendable, Hashable, ConfigurationValue {
    /// `http://` or `https://`.
    case url(String)
    /// A file of this machine.
    case file(FilePath)

    public static var typeDescription: String { "the URL of a proxy auto-configuration, or the path of its file" }
    public static var shape: ValueShape { .text }

    public static func decode(_ node: ConfigurationNode, in context: DecodingContext) -> ProxyScriptPlace? {
        guard case .scalar(let scalar) = node.content else { return FilePath.decode(node, in: context).map { .file($0) } }
        let text = scalar.text
        let lower = text.lowercased()
        if lower.hasPrefix("http://") || lower.hasPrefix("https://") {
            let rest = text.drop { $0 != ":" }.dropFirst(3)
            let isPlain = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
            guard isPlain, let first = rest.first, first != "/", !rest.prefix(while: { $0 != "/" }).contains("@") else {
                context.reject(node, wanted: typeDescription)
                return nil
            }
            return .url(text)
        }
        guard let colon = lower.firstRange(of: "://") else { return FilePath.decode(node, in: context).map { .file($0) } }
        guard lower.hasPrefix("file:///") else {
            context.reject(
                node, wanted: typeDescription,
                InvalidValue("'\(lower[..<colon.lowerBound])' isn't known: http, https and files are"))
            return nil
        }
        // As browsers write it.
        let path = ConfigurationNode(.scalar(.init(String(text.dropFirst(7)))), origin: node.origin)
        return FilePath.decode(path, in: context).map { .file($0) }
    }

    public func problems() -> [ConfigurationProblem] {
        switch self {
        case .url: []
        case .file(let file): file.problems()
        }
    }

    /// For people.
    package var text: String {
        switch self {
        case .url(let url): url
        case .file(let file): file.path
        }
    }

    public var printed: String { PlainText.quotedIfNeeded(text) }
}
