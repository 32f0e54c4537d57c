import ConfigurationLanguage

extension LoadedConfiguration {
    /// Whether a pipeline made of this would be the same as one made of the other.
    package func runs(like other: LoadedConfiguration) -> Bool {
        guard host == other.host, drain == other.drain, stages.count == other.stages.count else { return false }
        return zip(stages, other.stages).allSatisfy { own, other in
            own.name == other.name && own.form == other.form && own.configuration.isEqual(to: other.configuration)
        }
    }
}

extension StageConfiguration {
    fileprivate func isEqual(to other: any StageConfiguration) -> Bool { self == other as? Self }
}
