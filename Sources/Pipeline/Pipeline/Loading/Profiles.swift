import ConfigurationLanguage

/// The `profiles` key of a file: values that count above the file's own where somebody chooses the profile, by the paths of `--set`.
struct Profiles: ConfigurationValue, Equatable {
    /// What the profiles are called, in the order of the file.
    var names: [String] = []

    static var typeDescription: String { "profiles such as { home: { drain: 5s } }" }
    static var shape: ValueShape { .table(.table(.any)) }

    static func decode(_ node: ConfigurationNode, in context: DecodingContext) -> Profiles? {
        if case .null = node.content { return Profiles() }
        guard case .mapping(let entries) = node.content else {
            context.reject(node, wanted: typeDescription)
            return nil
        }
        for entry in entries {
            switch entry.value.content {
            case .mapping, .null: break
            case .scalar, .sequence:
                context.report(
                    "the profile '\(entry.key)' wants paths with values, not \(entry.value.shown(secret: false))", at: entry.value,
                    hint: "write them as pipeline.STAGE.KEY: VALUE")
            }
        }
        return Profiles(names: entries.map(\.key))
    }

    var printed: String { "{\(names.joined(separator: ", "))}" }
}

extension OverrideApplication {
    /// The variable that chooses a profile, where the command line doesn't.
    static let profileVariable = "FLUIDITY_PROFILE"

    /// Puts in what a profile says. What is wrong with it is told at its place in the file.
    /// - Parameter origin: Who has chosen it.
    mutating func apply(profile name: String, origin: String) {
        var known: [ConfigurationNode.Entry] = []
        if case .mapping(let entries)? = root[key: "profiles"]?.content { known = entries }
        guard let profile = known.first(where: { $0.key == name }) else {
            return report(
                "the file has no profile '\(name)'", at: .override(origin),
                hint: NearestName.hint(for: name, among: known.map(\.key), otherwise: "its profiles are"))
        }
        guard case .mapping(let settings) = profile.value.content else { return }
        for setting in settings { set(setting.key, to: setting.value) }
    }
}
