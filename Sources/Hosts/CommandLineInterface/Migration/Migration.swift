import Addresses
package import ConfigurationLanguage
import Logging
package import Pipeline

/// Turns a configuration of the first Fluidity into a pipeline, and says what isn't as it was.
package struct Migration {
    /// What the command line says beside the file.
    package struct Choices: Sendable {
        /// Whose configuration it is; nil where its keys say so.
        package var host: HostKind?
        /// The server's address, above the file's.
        package var serverIP: String?
        /// The name in the server's certificate; nil for what the address suggests.
        package var serverName: String?
        /// Whether an agent's server is still one of the first Fluidity.
        package var speaksEnvelopes = false

        /// What the file says alone.
        package init() {}
    }

    /// The new file.
    package private(set) var text = ""
    /// What has no counterpart, and what is another way now: a sentence each.
    package private(set) var notes: [String] = []
    /// What keeps it from being migrated.
    package private(set) var problems: [ConfigurationError]

    private static let defaultName = "fluidity-server"
    private let settings: FormerSettings
    private let choices: Choices
    /// From a path of the old file to what the new file says.
    private let place: (String) -> String

    /// Migrates at once.
    /// - Parameter place: what the new file says for a path of the old one.
    package init(_ settings: FormerSettings, _ choices: Choices, place: @escaping (String) -> String) {
        self.settings = settings
        self.choices = choices
        self.place = place
        problems = settings.problems
        let body: [String]
        switch host() {
        case .agent?: body = agent()
        case .server?: body = server()
        default: body = []
        }
        for stranger in settings.strangers where stranger != "pipeline" {
            notes.append("'\(stranger)' is no key of the first Fluidity; it was left out")
        }
        if problems.isEmpty { text = (header + body).joined(separator: "\n") + "\n" }
    }

    private var header: [String] {
        ["# Migrated from a configuration of the first Fluidity."] + notes.map { "# - \($0)." }
    }

    private mutating func host() -> HostKind? {
        if let host = choices.host { return host }
        let agents: [FormerSettings.Key] = [.serverIP, .serverPort, .localProxyPort, .wakeEndpoint, .killEndpoint]
        let isAgent = choices.serverIP != nil || agents.contains { settings[$0] != nil }
        let isServer = [FormerSettings.Key.listenAddress, .listenPort].contains { settings[$0] != nil }
        if isAgent != isServer { return isAgent ? .agent : .server }
        if problems.isEmpty {
            let message =
                isAgent ? "it has the keys of an agent and of a server" : "it doesn't say whether it is an agent's or a server's"
            problems.append(settings.error(message, at: nil, hint: "say it: --host agent, or --host server"))
        }
        return nil
    }

    // MARK: An agent

    private mutating func agent() -> [String] {
        var lines = ["host: agent", log]
        lines += lifecycle()
        let port = number(.localProxyPort, in: 1...65_535) ?? 8080
        let address = serverAddress()
        let name = choices.serverName ?? (IPAddress(host: address.host) == nil ? nil : Self.defaultName)
        if choices.serverName == nil, let name {
            notes.append(
                "the server's certificate is verified for the name '\(name)', whatever its address is: --server-name says another")
        }
        if !choices.speaksEnvelopes {
            notes.append("it speaks to a server of this Fluidity; for one of the first, migrate with --old-server")
        }
        for key in [FormerSettings.Key.listenAddress, .listenPort] where settings[key] != nil {
            notes.append("'\(key.rawValue)' is a server's and was left out: an agent's proxy listens on 127.0.0.1")
        }
        lines += ["pipeline:", "  - accept: { listen: \"127.0.0.1:\(port)\"\(maxConnections()) }", "  - http: { mode: proxy }"]
        lines.append("  - frame: { codec: \(choices.speaksEnvelopes ? "json" : "mux") }")
        lines += identity(certificate: "./certs/client.crt", key: "./certs/client.key", name: name)
        lines.append("  - connect: { to: \(PlainText.quoted(address.description)) }")
        return lines
    }

    private mutating func serverAddress() -> HostPort {
        let port = number(.serverPort, in: 1...65_535) ?? 8443
        let given = choices.serverIP ?? settings[.serverIP]?.text
        guard let given else {
            problems.append(
                settings.error(
                    "there is no 'server_ip', so nothing says where the server is", at: nil,
                    hint: "give --server-ip ADDRESS; a server that is found by its status endpoint is 'connect: { to: discover }'"))
            return HostPort(host: "localhost", port: port)
        }
        // An IPv6 address had no brackets.
        let host = given.contains(":") && !given.hasPrefix("[") ? "[\(given)]" : given
        do {
            return try HostPort(configured: "\(host):\(port)")
        } catch {
            problems.append(
                settings.error("'server_ip' is no host: \(error.reason ?? "'\(given)'")", at: settings[.serverIP]?.origin))
            return HostPort(host: "localhost", port: port)
        }
    }

    private mutating func lifecycle() -> [String] {
        guard let wake = settings[.wakeEndpoint] else {
            for key in [FormerSettings.Key.killEndpoint, .apiKey, .connectionTimeout, .retryInterval] where settings[key] != nil {
                notes.append("'\(name(of: key))' is of no use without a wake endpoint and was left out")
            }
            return []
        }
        var lines = ["lifecycle:", "  wake-endpoint: \(url(wake, .wakeEndpoint))"]
        if let kill = settings[.killEndpoint] {
            lines.append("  kill-endpoint: \(url(kill, .killEndpoint))")
            notes.append(
                "the first Fluidity stopped the server when an agent ended, whoever else used it; this one lets go of it, and"
                    + " 'on-stop: kill' is the old way")
        }
        if let key = settings[.apiKey] {
            // A variable stays where it is, so that the key doesn't get into one more file.
            lines.append("  api-key: \(PlainText.quoted(key.variable.map { "${env:\($0)}" } ?? Self.literal(key.text)))")
        }
        if let timeout = duration(.connectionTimeout) { lines.append("  connection-timeout: \(timeout)") }
        if let interval = duration(.retryInterval) { lines.append("  connection-retry-interval: \(interval)") }
        notes.append("an agent goes on where the server can't be woken, and tries again with the next request")
        notes.append("there was no status endpoint; with 'status-endpoint' the agent sees how far the server is")
        return lines
    }

    private mutating func url(_ value: FormerSettings.Value, _ key: FormerSettings.Key) -> String {
        do {
            _ = try EndpointURL(configured: value.text)
        } catch {
            problems.append(settings.error("'\(name(of: key))' is no URL: \(error.reason ?? "")", at: value.origin))
        }
        return PlainText.quoted(Self.literal(value.text))
    }

    private mutating func duration(_ key: FormerSettings.Key) -> String? {
        guard let value = settings[key] else { return nil }
        guard let duration = GoDuration.read(value.text) else {
            problems.append(
                settings.error("'\(name(of: key))' is no duration", at: value.origin, hint: "it is seconds, or such as 1m30s"))
            return nil
        }
        return duration.printed
    }

    // MARK: A server

    private mutating func server() -> [String] {
        for key in [FormerSettings.Key.serverIP, .serverPort, .localProxyPort, .wakeEndpoint, .killEndpoint]
        where settings[key] != nil {
            notes.append("'\(name(of: key))' is an agent's and was left out")
        }
        let port = number(.listenPort, in: 1...65_535) ?? 8443
        let address = settings[.listenAddress]?.text ?? "0.0.0.0"
        let host = address.contains(":") && !address.hasPrefix("[") ? "[\(address)]" : address
        do {
            _ = try ListenAddress(configured: "\(host):\(port)")
        } catch {
            problems.append(
                settings.error(
                    "'listen_addr' is no address: \(error.reason ?? "'\(address)'")", at: settings[.listenAddress]?.origin))
        }
        notes.append("it also takes agents of the first Fluidity; once none is left, write 'codec: mux'")
        notes.append("it fetches from public addresses only: 'destinations' can name networks, or 'any'")
        var lines = ["host: server", log, "pipeline:"]
        lines.append("  - accept: { listen: \(PlainText.quoted("\(host):\(port)"))\(maxConnections()) }")
        lines += identity(certificate: "./certs/server.crt", key: "./certs/server.key", name: nil)
        return lines + ["  - frame: { codecs: [mux, h2, json] }", "  - fetch: { destinations: public }"]
    }

    // MARK: Both

    private var log: String {
        mutating get {
            guard let value = settings[.logLevel] else { return "log: { level: info }" }
            let word = ["fatal": "critical", "panic": "critical"][value.text.lowercased()] ?? value.text
            guard let level = try? Logger.Level(configured: word) else {
                problems.append(
                    settings.error(
                        "'\(name(of: .logLevel))' is no level", at: value.origin, hint: "it is one of debug, info, warn and error"))
                return ""
            }
            if value.variable != nil { notes.append("FLUIDITY_LOG_LEVEL still counts above 'log.level' where it is set") }
            return "log: { level: \(level.rawValue) }"
        }
    }

    private mutating func maxConnections() -> String {
        number(.maxConnections, in: 1...1_000_000).map { ", max-connections: \($0)" } ?? ""
    }

    private mutating func identity(certificate: String, key: String, name: String?) -> [String] {
        func path(_ of: FormerSettings.Key, _ standard: String) -> String {
            PlainText.quoted(Self.literal(place(settings[of]?.text ?? standard)))
        }
        var lines = ["  - mtls:", "      certificate: \(path(.certificate, certificate))", "      key: \(path(.key, key))"]
        lines.append("      ca: \(path(.authority, "./certs/ca.crt"))")
        if let name { lines.append("      name: \(PlainText.quotedIfNeeded(name))") }
        return lines
    }

    private mutating func number(_ key: FormerSettings.Key, in range: ClosedRange<Int>) -> Int? {
        guard let value = settings[key] else { return nil }
        guard let number = Int(value.text), range.contains(number) else {
            problems.append(
                settings.error(
                    "'\(name(of: key))' must be a whole number between \(range.lowerBound) and \(range.upperBound)",
                    at: value.origin))
            return nil
        }
        return number
    }

    /// A key as whoever wrote it calls it.
    private func name(of key: FormerSettings.Key) -> String { settings[key]?.variable ?? key.rawValue }

    /// A text that nothing is replaced in.
    private static func literal(_ text: String) -> String { text.replacing("${", with: "$${") }
}
