public import ConfigurationLanguage

/// What requests do: always the same, or what their path says.
public enum ECSServiceAction: String, Sendable, CaseIterable, ConfigurationChoice {
    /// Wants at least one task.
    case wake
    /// Wants none if nobody uses the service.
    case sleep
    /// Wants none.
    case kill
    /// Says how the service is.
    case status
    /// What the last segment of the request's path names.
    case byPath = "by-path"
}

extension ECSServiceAction {
    /// Those that a path can name, in the order in which texts name them.
    package static let named = allCases.filter { $0 != .byPath }

    /// The methods with which it is asked for, the one to recommend first.
    package var methods: [String] { self == .status ? ["GET", "HEAD", "POST"] : ["POST"] }

    /// The paths of all, for texts: `/wake, /sleep, /kill and /status`.
    package static let paths = list(named)

    /// All with their methods, for texts: `POST /wake, /sleep and /kill, GET /status`.
    package static let requests = ["POST", "GET"].map { method in
        "\(method) \(list(named.filter { $0.methods.first == method }))"
    }.joined(separator: ", ")

    private static func list(_ actions: [ECSServiceAction]) -> String {
        let paths = actions.map { "/\($0.rawValue)" }
        guard paths.count > 1, let last = paths.last else { return paths.joined() }
        return "\(paths.dropLast().joined(separator: ", ")) and \(last)"
    }
}
