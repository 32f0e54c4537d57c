import ConfigurationLanguage
import Pipeline

extension StageConformance {
    private var loader: ConfigurationLoader {
        ConfigurationLoader(registry: registry, environment: [:], checksFiles: false)
    }

    /// The stage, and those that its example has in lists of its own.
    private var registry: StageRegistry {
        var registry = others
        registry.register(factory)
        return registry
    }

    private var file: String { directory.isEmpty ? "example" : "\(directory)/example" }

    /// The stages of the example.
    func loadExample(checksFiles: Bool = false) throws -> [LooseStage] {
        try ConfigurationLoader(registry: registry, environment: [:], checksFiles: checksFiles)
            .looseStages(in: example, file: file)
    }

    /// Defaults and example can be loaded; what is wrong is refused where it stands.
    func checkConfiguration(_ findings: inout ConformanceFindings) {
        guard !example.isEmpty else { return }
        let loaded: [LooseStage]
        do {
            loaded = try loadExample()
        } catch {
            return findings.add("its example can't be loaded: \(error)")
        }
        findings.expect(!loaded.isEmpty, "its example has no entry of its own")
        checkDefaults(&findings)
        for key in Factory.describeKeys() { check(key, &findings) }
        expectRefusal("no-such-key", "1", naming: "no-such-key", "an unknown key", &findings)
    }

    /// The defaults are such as a file could set, and `validate` takes them.
    private func checkDefaults(_ findings: inout ConformanceFindings) {
        let keys = Factory.describeKeys()
        guard !keys.contains(where: \.isRequired) else { return }
        // One that needs some key or other has no defaults that work, and must say what to set.
        let problems = Factory.Configuration().validate().filter { !$0.isWarning }
        guard problems.isEmpty else {
            findings.expect(problems.allSatisfy { $0.hint != nil }, "its defaults are refused without a hint")
            return
        }
        do {
            let bare = try loader.looseStages(in: "- \(Factory.name)", file: file)
            let isDefault = (bare.first?.configuration as? Factory.Configuration) == Factory.Configuration()
            findings.expect(isDefault, "without keys it is not configured with its defaults")
        } catch {
            return findings.add("its defaults are refused: \(error)")
        }
        let written = keys.filter { !$0.isSecret }.compactMap { key in key.defaultValue.map { "\(key.key): \($0)" } }
        do {
            let again = try loader.looseStages(in: "- \(Factory.name): { \(written.joined(separator: ", ")) }", file: "example")
            let isSame = (again.first?.configuration as? Factory.Configuration) == Factory.Configuration()
            findings.expect(isSame, "its defaults, written into a file, mean something else")
        } catch {
            findings.add("its defaults, written into a file, are refused: \(error)")
        }
    }

    private func check(_ key: SchemaDescription, _ findings: inout ConformanceFindings) {
        switch key.shape {
        case .any, .table: break
        case .mapping: expectRefusal(key.key, "{ no-such-key: 1 }", naming: "no-such-key", "an unknown key in it", &findings)
        default: expectRefusal(key.key, "{ no: such, value: at-all }", naming: key.key, "a mapping", &findings)
        }
        guard key.shape == .integer else { return }
        if let least = key.bounds.least.flatMap({ Int($0) }), least > .min {
            expectRefusal(key.key, "\(least - 1)", naming: key.key, "a value below its range", &findings)
        }
        if let greatest = key.bounds.greatest.flatMap({ Int($0) }), greatest < .max {
            expectRefusal(key.key, "\(greatest + 1)", naming: key.key, "a value above its range", &findings)
        }
    }

    /// A key with a value that can't be is refused, in its line, by its name.
    private func expectRefusal(
        _ key: String, _ value: String, naming name: String, _ what: String, _ findings: inout ConformanceFindings
    ) {
        do {
            _ = try loader.looseStages(in: "- \(Factory.name):\n    \(key): \(value)\n", file: "example")
            findings.add("'\(key)' takes \(what)")
        } catch {
            let isNamed = error.errors.contains { $0.line == 2 && $0.message.contains("'\(name)") }
            findings.expect(isNamed, "'\(key)' with \(what) is refused, but not in its line and by its name: \(error)")
        }
    }
}
