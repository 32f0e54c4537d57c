import ConfigurationLanguage
package import Pipeline

/// What two configurations of one end do differently: value by value, and for exchanges that were seen.
package struct ConfigurationDifference: Sendable {
    /// One value that isn't the same, or a stage that only one has.
    package struct Setting: Sendable, Equatable {
        /// The path of the value, `pipeline.egress.otherwise`; of a stage, without its keys.
        package var path: String
        /// How it was, with its place; nil where there was none.
        package var old: String?
        /// How it is, with its place; nil where there is none.
        package var new: String?
    }

    /// What differs, in the order of the new one.
    package let settings: [Setting]

    /// Compares two configurations.
    package init(old: LoadedConfiguration, new: LoadedConfiguration) {
        let (before, after) = (Self.values(old), Self.values(new))
        var made: [Setting] = []
        var known: Set<String> = []
        for (path, value) in after where known.insert(path).inserted {
            let was = before.first { $0.path == path }?.value
            if was?.text != value.text { made.append(Setting(path: path, old: was?.placed, new: value.placed)) }
        }
        for (path, value) in before where known.insert(path).inserted {
            made.append(Setting(path: path, old: value.placed, new: nil))
        }
        settings = made
    }

    private struct Value {
        var text: String
        var place: String

        var placed: String { place.isEmpty ? text : "\(text) (\(place))" }
    }

    private static func values(_ configuration: LoadedConfiguration) -> [(path: String, value: Value)] {
        var values: [(path: String, value: Value)] = []
        for setting in configuration.fileSettings where !["pipeline", "profiles", "tests", "host"].contains(setting.path) {
            values.append((setting.path, Value(text: setting.value, place: configuration.words(for: setting.origin))))
        }
        func add(_ entries: [LoadedConfiguration.Entry], below path: String) {
            var counts: [String: Int] = [:]
            for entry in entries {
                counts[entry.name, default: 0] += 1
                let number = counts[entry.name] ?? 1
                let own = "\(path).\(entry.name)\(number > 1 ? ".\(number)" : "")"
                let line = configuration.place(of: entry) ?? ""
                values.append((own, Value(text: "there", place: line)))
                for setting in entry.placedSettings where entry.branches.isEmpty || setting.path != "branches" {
                    values.append(
                        ("\(own).\(setting.path)", Value(text: setting.value, place: configuration.words(for: setting.origin))))
                }
                for branch in entry.branches { add(branch.stages, below: "\(own).\(branch.name)") }
            }
        }
        add(configuration.stages, below: "pipeline")
        return values
    }

    /// The values for people, a line each.
    package var text: String {
        guard !settings.isEmpty else { return "Every value is the same.\n" }
        return settings.map { setting in
            switch (setting.old, setting.new) {
            case (let old?, let new?): "~ \(setting.path): \(old) -> \(new)\n"
            case (nil, let new?): "+ \(setting.path): \(new)\n"
            case (let old, nil): "- \(setting.path): \(old ?? "")\n"
            }
        }.joined()
    }
}
