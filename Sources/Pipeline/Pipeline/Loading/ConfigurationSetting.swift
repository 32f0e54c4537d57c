import ConfigurationLanguage

/// One value of a loaded configuration, as it counts, and where it comes from.
package struct ConfigurationSetting: Sendable, Equatable {
    /// The key, dotted inside a mapping: `limits.bytes`.
    package var path: String
    /// As it would be written, secrets redacted.
    package var value: String
    /// Where the value comes from.
    package var origin: Origin
    /// What was replaced in it, without defaults: `${env:PORT}`.
    package var references: [String]

    /// Where its value comes from.
    package enum Origin: Sendable, Equatable {
        /// No one has set it.
        case standard
        /// The place in one of the files that sets it; `LoadedConfiguration.words(for:)` names it.
        case file(SourcePosition)
        /// The environment variable that overrides the file: `FLUIDITY_DRAIN`.
        case environment(variable: String)
        /// The option that has set it: `--set drain`.
        case commandLine(option: String)
    }
}

/// Where the keys of one mapping stand, by their dotted paths.
struct SettingPlaces: Sendable {
    private(set) var origins: [String: ConfigurationNode.Origin] = [:]
    private(set) var references: [String: [String]] = [:]

    init() {}

    init(_ context: DecodingContext) {
        origins = context.origins
        references = context.references
    }
}

extension StageConfiguration {
    /// Every value in the order of the schema, mappings value by value.
    func settings(placed places: SettingPlaces, below path: String = "", isSecret: Bool = false) -> [ConfigurationSetting] {
        Self.schema.fields.flatMap { settings(of: $0, placed: places, below: path, isSecret: isSecret) }
    }

    /// Every value of one key.
    func settings(
        of field: SchemaField<Self>, placed places: SettingPlaces, below path: String, isSecret: Bool
    ) -> [ConfigurationSetting] {
        let path = path.isEmpty ? field.key : "\(path).\(field.key)"
        let isSecret = isSecret || field.isSecret
        if let inner = field.nestedValue(self) { return inner.settings(placed: places, below: path, isSecret: isSecret) }
        let origin: ConfigurationSetting.Origin =
            switch places.origins[path] {
            case nil: .standard
            case .file(let position): .file(position)
            case .override(let name) where name.hasPrefix(OverrideApplication.prefix): .environment(variable: name)
            case .override(let name): .commandLine(option: name)
            }
        let value = origin == .standard ? field.printedDefault(self) : isSecret ? Secret.redacted : field.printed(self)
        return [ConfigurationSetting(path: path, value: value, origin: origin, references: places.references[path] ?? [])]
    }
}
