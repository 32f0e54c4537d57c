import Addresses
public import ConfigurationLanguage
import HTTPMessages

/// The `lifecycle` key of a file: how an agent has its server started and stopped.
public struct LifecycleSettings: NestedConfiguration {
    /// When the agent wakes the server.
    public enum Wake: String, Sendable, CaseIterable, ConfigurationChoice {
        /// When the agent starts.
        case atStart = "at-start"
        /// When the first request needs it.
        case onDemand = "on-demand"
    }

    /// What becomes of the server when the agent ends.
    public enum OnStop: String, Sendable, CaseIterable, ConfigurationChoice {
        /// The server is told that this agent has gone, and reports at once when its last one has; it stops when it has been
        /// idle for its time.
        case release
        /// The server is stopped, whoever else uses it.
        case kill
        /// Nothing is said: to the server it is a connection that was lost and may come back.
        case keep
    }

    /// How an agent proves to the endpoints who it is.
    public enum Authentication: String, Sendable, CaseIterable, ConfigurationChoice {
        /// By `api-key`, where there is one.
        case apiKey = "api-key"
        /// By a signature with the AWS credentials that there are on this machine.
        case iam
    }

    /// `wake-endpoint`: the URL that starts the server on POST. Never nil in settings that were checked.
    public var wakeEndpoint: EndpointURL?
    /// `kill-endpoint`: the URL that stops the server on POST; nil where nobody can.
    public var killEndpoint: EndpointURL?
    /// `status-endpoint`: the URL that tells the server's state and address on GET; nil where nobody does.
    public var statusEndpoint: EndpointURL?
    /// `api-key`: what the endpoints get as `x-api-key`; nil for no such field.
    public var apiKey: Secret?
    /// `authentication`: how the agent proves who it is.
    public var authentication = Authentication.apiKey
    /// `wake`: when the server is woken.
    public var wake = Wake.atStart
    /// `connection-timeout`: how long the server may take to start and answer. Requests wait no longer.
    public var connectionTimeout = Duration.seconds(90)
    /// `connection-retry-interval`: the longest time between two attempts to connect while the server starts.
    public var connectionRetryInterval = Duration.seconds(5)
    /// `on-stop`: what becomes of the server when the agent ends.
    public var onStop = OnStop.release
    /// `hold`: how many requests may wait for the server; more are answered with 503.
    public var hold = 256
    /// `hold-bytes`: the bytes of waiting requests from which on no more may wait.
    public var holdBytes = ByteCount.mebibytes(16)

    public init() {}

    public static let schema = Schema<LifecycleSettings>(
        .optional("wake-endpoint", \.wakeEndpoint, "What starts the server: a URL that takes POST."),
        .optional("kill-endpoint", \.killEndpoint, "What stops the server: a URL that takes POST."),
        .optional("status-endpoint", \.statusEndpoint, "What says how the server is, and where: a URL that takes GET."),
        .optional("api-key", \.apiKey, "Sent to these endpoints as x-api-key."),
        .optional(
            "authentication", \.authentication,
            "How the agent proves who it is: by 'api-key', or by a signature with the AWS credentials of this machine."),
        .optional("wake", \.wake, "When the server is woken."),
        .optional(
            "connection-timeout", \.connectionTimeout, in: .seconds(1)...(.seconds(3_600)),
            "How long the server may take to start and answer; requests wait no longer."),
        .optional(
            "connection-retry-interval", \.connectionRetryInterval, in: .milliseconds(100)...(.seconds(600)),
            "How often it is tried meanwhile; sooner at first."),
        .optional("on-stop", \.onStop, "What becomes of the server when the agent ends."),
        .optional("hold", \.hold, in: 1...10_000, "Requests that may wait for the server; more are answered with 503."),
        .optional(
            "hold-bytes", \.holdBytes, in: ByteCount.kibibytes(64)...ByteCount.gibibytes(1),
            "Bytes of waiting requests from which on no more may wait.")
    )

    public func validate() -> [ConfigurationProblem] {
        var problems: [ConfigurationProblem] = []
        if onStop == .kill, killEndpoint == nil {
            problems.append(ConfigurationProblem("'on-stop: kill' needs 'kill-endpoint'", key: "on-stop"))
        }
        if wakeEndpoint == nil {
            problems.append(
                ConfigurationProblem("'lifecycle' needs 'wake-endpoint'", hint: "or leave it out: then nobody wakes the server"))
        }
        let plain = [("wake-endpoint", wakeEndpoint), ("kill-endpoint", killEndpoint), ("status-endpoint", statusEndpoint)]
        for case (let key, let url?) in plain where apiKey != nil {
            if let problem = url.exposure(of: "'api-key' goes", key: key) { problems.append(problem) }
        }
        return problems
    }
}

/// The URL of an endpoint: `http` or `https`, a host, and no user in it.
public struct EndpointURL: Sendable, Hashable, ScalarConfigurationValue, CustomStringConvertible {
    /// The URL as it was written.
    public let text: String
    /// Whether the scheme is `https`.
    public let isSecure: Bool
    /// The host without port and brackets.
    public let host: String

    public static var typeDescription: String { "a URL such as https://api.example/prod/wake" }

    public init(configured text: String) throws(InvalidValue) {
        let scheme = text.hasPrefix("https://") ? "https://" : text.hasPrefix("http://") ? "http://" : nil
        guard let scheme else { throw InvalidValue("it begins with neither https:// nor http://") }
        let rest = text.dropFirst(scheme.count)
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard let parsed = Authority(String(authority)) else {
            throw InvalidValue(authority.contains("@") ? "it has a user in it" : "it has no host")
        }
        if let problem = HostName.problem(of: parsed.host) { throw problem }
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x23 && $0 != 0x5C }) else {
            throw InvalidValue("it has a character that no URL has")
        }
        self.text = text
        isSecure = scheme == "https://"
        host = parsed.host
    }

    /// Whether what is sent there never leaves this machine: `localhost`, or an address that says so.
    public var isLoopback: Bool { IPAddress.isThisMachine(host: host) }

    /// A warning where others could read what goes there.
    /// - Parameters:
    ///   - words: What does, with its verb.
    ///   - key: The key that the URL stands at.
    func exposure(of words: String, key: String) -> ConfigurationProblem? {
        guard !isSecure, !isLoopback else { return nil }
        return .warning("\(words) to this endpoint without encryption", key: key, hint: "use https")
    }

    public var description: String { text }
    public var printed: String { text.printed }
}

extension EndpointURL {
    public static var shape: ValueShape { .text(pattern: #"^https?://[^/?#@"\\\s]+(/|\?|$)"#) }
}
