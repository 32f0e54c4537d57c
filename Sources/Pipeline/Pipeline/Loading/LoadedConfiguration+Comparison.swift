import ConfigurationLanguage

extension LoadedConfiguration {
    /// Whether a pipeline made of this would be the same as one made of the other.
    package func runs(like other: LoadedConfiguration) -> Bool {
        guard host == other.host, drain == other.drain, stages.count == other.stages.count else { return false }
        return zip(stages, other.stages).allSatisfy { own, other in
            own.name == other.name && own.form == other.form && own.configuration.isEqual(to: other.configuration)
        }
    }

    /// The keys beside the pipeline that count from a program's start to its end and have other values in the other configuration, in
    /// quotes and in a fixed order.
    package func lastingKeys(unlike other: LoadedConfiguration) -> [String] {
        let keys: [(String, Bool)] = [
            ("log", log == other.log), ("admin", admin == other.admin), ("audit", audit == other.audit),
            ("otlp", otlp == other.otlp),
            ("event-loops", eventLoops == other.eventLoops),
            ("lifecycle", lifecycle == other.lifecycle), ("address-record", addressRecord == other.addressRecord),
        ]
        return keys.filter { !$0.1 }.map { "'\($0.0)'" }
    }
}
