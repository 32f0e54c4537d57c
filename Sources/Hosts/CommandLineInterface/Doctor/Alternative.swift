import TunnelStages

/// Another way that may lead to the server where the configured one doesn't.
struct Alternative {
    /// What is changed in `connect`, and to what.
    let key: String
    let value: String
    let connect: ConnectConfiguration

    /// Those that are worth a try, the nearest first.
    static func all(_ connect: ConnectConfiguration, findings: [Finding]) -> [Alternative] {
        var all: [Alternative] = []
        func add(_ key: String, _ value: String, _ change: (inout ConnectConfiguration) -> Void) {
            var changed = connect
            change(&changed)
            guard changed != connect else { return }
            all.append(Alternative(key: key, value: value, connect: changed))
        }
        // Tickets are shown to a proxy that takes them only where somebody has said so.
        for scheme in [ProxyScheme.negotiate, .ntlm]
        where findings.contains(where: { $0.text.contains("add '\(scheme.rawValue)'") }) {
            add("via-auth", scheme.rawValue) { $0.viaAuth = [scheme] }
        }
        if ProxyEnvironment.process.namesProxy { add("via", "environment") { $0.via = .environment } }
        add("via", "direct") { $0.via = .direct }
        return all
    }
}
