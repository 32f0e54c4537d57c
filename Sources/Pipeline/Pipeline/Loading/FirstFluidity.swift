import ConfigurationLanguage

/// The keys and variables of the first Fluidity's configurations, and where each of them went: who brings an old file is told so.
package enum FirstFluidity {
    /// The keys that its files have.
    package enum Key: String, Sendable, CaseIterable {
        /// The server's address, for an agent.
        case serverIP = "server_ip"
        /// The server's port, for an agent.
        case serverPort = "server_port"
        /// The port of the agent's proxy.
        case localProxyPort = "local_proxy_port"
        /// The address that a server listens on.
        case listenAddress = "listen_addr"
        /// The port that a server listens on.
        case listenPort = "listen_port"
        /// How many connections may be open at once.
        case maxConnections = "max_connections"
        /// The file with the certificate.
        case certificate = "cert_file"
        /// The file with the certificate's key.
        case key = "key_file"
        /// The file with the certificate of the authority.
        case authority = "ca_cert_file"
        /// The least important messages that are logged.
        case logLevel = "log_level"
        /// The URL that starts the server.
        case wakeEndpoint = "wake_endpoint"
        /// The URL that stops the server.
        case killEndpoint = "kill_endpoint"
        /// What the endpoints are shown.
        case apiKey = "api_key"
        /// How long a server may take to start, in seconds or as a duration of Go.
        case connectionTimeout = "connection_timeout"
        /// How often it is tried meanwhile.
        case retryInterval = "connection_retry_interval"

        /// The key that a name stands for, also by its other spelling; nil for a name that the first Fluidity doesn't know.
        package init?(name: String) {
            if let key = Key(rawValue: name) {
                self = key
            } else if name == "retry_interval" {
                self = .retryInterval
            } else {
                return nil
            }
        }

        /// The variables that set it, the strongest first.
        package var variables: [String] {
            switch self {
            case .wakeEndpoint, .killEndpoint, .apiKey, .connectionTimeout: [rawValue.uppercased()]
            case .retryInterval: ["CONNECTION_RETRY_INTERVAL", "RETRY_INTERVAL"]
            default: ["FLUIDITY_\(rawValue.uppercased())"]
            }
        }

        /// What has its place now, as it stands after "now".
        package var successor: String {
            switch self {
            case .serverIP: "the host in 'to' of the stage 'connect'"
            case .serverPort: "the port in 'to' of the stage 'connect'"
            case .localProxyPort, .listenPort: "the port in 'listen' of the stage 'accept'"
            case .listenAddress: "the address in 'listen' of the stage 'accept'"
            case .maxConnections: "'max-connections' of the stage 'accept'"
            case .certificate: "'certificate' of the stage 'mtls'"
            case .key: "'key' of the stage 'mtls'"
            case .authority: "'ca' of the stage 'mtls'"
            case .logLevel: "'level' of 'log'"
            case .wakeEndpoint: "'wake-endpoint' of 'lifecycle'"
            case .killEndpoint: "'kill-endpoint' of 'lifecycle'"
            case .apiKey: "'api-key' of 'lifecycle'"
            case .connectionTimeout: "'connection-timeout' of 'lifecycle'"
            case .retryInterval: "'connection-retry-interval' of 'lifecycle'"
            }
        }
    }

    /// What `check` says to a key of an old file; nil for any other.
    static func hint(forKey name: String) -> String? {
        Key(name: name).map {
            "this is the first Fluidity's, now \($0.successor); 'fluidity migrate FILE' writes such a file anew"
        }
    }

    /// What is said to a variable of an old installation; nil for any other.
    static func hint(forVariable name: String) -> String? {
        Key.allCases.first { $0.variables.contains(name) }.map { "this is the first Fluidity's, now \($0.successor)" }
    }

    /// Findings about a file, those at old keys with a hint that says where the key went.
    static func explaining(_ findings: [ConfigurationFinding], in root: ConfigurationNode) -> [ConfigurationFinding] {
        guard case .mapping(let entries) = root.content else { return findings }
        var hints: [ConfigurationNode.Origin: String] = [:]
        for entry in entries { hints[entry.keyOrigin] = hint(forKey: entry.key) }
        guard !hints.isEmpty else { return findings }
        return findings.map { finding in
            var finding = finding
            finding.hint = hints[finding.origin] ?? finding.hint
            return finding
        }
    }
}
