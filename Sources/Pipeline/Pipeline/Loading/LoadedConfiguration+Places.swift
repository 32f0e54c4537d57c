package import ConfigurationLanguage

extension LoadedConfiguration {
    /// A place in one of the files: `agent.yaml:12`.
    package func words(for position: SourcePosition) -> String { "\(source.files.name(of: position)):\(position.line)" }

    /// Where a value comes from: `default`, `agent.yaml:12`, `FLUIDITY_DRAIN`, `--set drain`.
    package func words(for origin: ConfigurationSetting.Origin) -> String {
        switch origin {
        case .standard: "default"
        case .file(let position): words(for: position)
        case .environment(let variable): variable
        case .commandLine(let option): option
        }
    }

    /// The file in which the stage of the list stands that has a name and no other has, the configuration's own or an included one; nil for
    /// one that stands in none.
    package func file(ofStage name: String) -> String? {
        let named = stages.filter { $0.name == name }
        guard named.count == 1, let position = named[0].position else { return nil }
        return source.files.name(of: position)
    }

    /// Where a stage's name stands: `agent.yaml:12`; nil for one that stands in no file.
    package func place(of entry: Entry) -> String? { entry.position.map { words(for: $0) } }
}
