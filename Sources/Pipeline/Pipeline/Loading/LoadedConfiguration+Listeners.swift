extension LoadedConfiguration {
    /// An address that the configuration has somebody listen on.
    package struct Listener: Sendable {
        /// The address as the configuration has it; port 0 for one that the system chooses.
        package let address: ListenAddress
        /// The stage, or `admin`.
        package let name: String
        fileprivate let origin: ConfigurationNode.Origin?
    }

    /// Whoever listens, the stages first.
    package var listeners: [Listener] {
        var listeners = allStages.compactMap { entry -> Listener? in
            guard let address = (entry.configuration as? any ListeningConfiguration)?.listen else { return nil }
            return Listener(
                address: address, name: entry.name, origin: entry.prepared.places.origins["listen"] ?? entry.prepared.origin)
        }
        if let admin { listeners.append(Listener(address: admin.listen, name: "admin", origin: places.origins["admin.listen"])) }
        return listeners
    }

    /// A finding about where somebody listens.
    package func finding(
        _ message: String, at listener: Listener, hint: String, severity: ConfigurationError.Severity
    ) -> ConfigurationError {
        guard let origin = listener.origin else {
            return ConfigurationError(file: file, severity: severity, message: message, hint: hint)
        }
        return source.error(.init(message: message, hint: hint, origin: origin, severity: severity))
    }
}
