package import Pipeline

/// Whether configurations that are run on one machine want an address to listen on that another of them has.
package enum ListenerCheck {
    /// - Parameter severity: An error where they are to be run on one machine, a warning where nobody knows.
    package static func findings(
        _ configurations: [LoadedConfiguration], severity: ConfigurationError.Severity
    ) -> [ConfigurationError] {
        var known: [(file: String, listener: LoadedConfiguration.Listener)] = []
        var findings: [ConfigurationError] = []
        for configuration in configurations {
            let own = configuration.listeners
            for listener in own {
                for other in known where other.listener.address.collides(with: listener.address) {
                    let same = other.listener.address == listener.address
                    findings.append(
                        configuration.finding(
                            "'\(listener.name)' listens on \(listener.address), and '\(other.listener.name)' of \(other.file) \(same ? "too" : "on \(other.listener.address)")",
                            at: listener, hint: "on one machine, each needs a port of its own", severity: severity))
                }
            }
            known += own.map { (configuration.file, $0) }
        }
        return findings
    }
}
