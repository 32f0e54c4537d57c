/// A place on AWS where a text is kept, as a configuration's path or a variable names it.
package enum TextSource: Sendable, Hashable, CustomStringConvertible {
    /// `ssm:/fluidity/server.yaml`: a parameter of Systems Manager.
    case parameter(String)
    /// `secret:arn:…` or `secret:fluidity/key`: a secret of Secrets Manager.
    case secret(String)

    /// Nil for any other text, a path or a value say.
    package init?(_ text: String) {
        for (prefix, make) in [("ssm:", TextSource.parameter), ("secret:", TextSource.secret)] where text.hasPrefix(prefix) {
            let name = String(text.dropFirst(prefix.count))
            let isName = !name.isEmpty && name.utf8.count <= 2_048 && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
            guard isName else { return nil }
            self = make(name)
            return
        }
        return nil
    }

    package var description: String {
        switch self {
        case .parameter(let name): "ssm:\(name)"
        case .secret(let name): "secret:\(name)"
        }
    }
}
