package import ConfigurationLanguage
import Platform

/// A stage of a list that is read without the rest of a pipeline: an example, or what a test is about.
package struct LooseStage: Sendable {
    /// The stage's name in the list.
    package let name: String
    /// What it can take and yield, as its factory says.
    package let forms: [StageForm]
    /// The configuration, of the type that the factory takes.
    package let configuration: any StageConfiguration
    /// Makes the stage in one of its forms. Throws a `StageError` where the configuration can't work.
    package let make: @Sendable (StageForm, StageContext) throws -> any Stage
}

extension ConfigurationLoader {
    /// Reads the entries of a list. That they fit together isn't checked; everything else is.
    package func looseStages(in list: String, file: String) throws(ConfigurationErrors) -> [LooseStage] {
        let text = SourceText(list)
        var source = ConfigurationSource(file: file, text: text)
        var reader = YAMLReader(text)
        guard let node = reader.read() else {
            guard reader.findings.isEmpty else { throw ConfigurationErrors(source.errors(reader.findings)) }
            throw ConfigurationErrors([ConfigurationError(file: file, message: "the list is empty")])
        }
        var substitution = Substitution(environment: environment, directory: FileAccess.directory(of: file))
        let entry = ConfigurationNode.Entry(key: "pipeline", keyOrigin: node.origin, value: substitution.apply(to: node))
        let stages = StageList(root: ConfigurationNode(.mapping([entry]), origin: node.origin))
        var findings = reader.findings + substitution.findings + stages.findings
        var loose: [LooseStage] = []
        let reading = StageReading(registry: registry, files: source.files, checksFiles: checksFiles)
        var preparation = StagePreparation(registry: registry, files: source.files, host: nil)
        var secrets: Set<SourcePosition> = []
        for item in stages.items {
            guard let factory = registry.factory(named: item.name) else {
                let hint = NearestName.hint(for: item.name, among: registry.names, otherwise: "the stages are")
                findings.append(
                    .init(message: "there is no stage '\(item.name)'", hint: hint, origin: item.origin, severity: .error))
                continue
            }
            let stage = reading.stage(item)
            if let configuration = stage.configuration, let each = read(stage, configuration, factory, &preparation) {
                loose.append(each)
            }
            findings += stage.findings
            secrets.formUnion(stage.secrets)
        }
        findings += preparation.findings
        secrets.formUnion(preparation.secrets)
        source.blankSecrets(in: node, known: secrets)
        let errors = source.errors(findings)
        guard !errors.contains(where: { $0.severity == .error }) else { throw ConfigurationErrors(errors) }
        return loose
    }

    private func read<Factory: StageFactory>(
        _ stage: ReadStage, _ configuration: any StageConfiguration, _ factory: Factory, _ preparation: inout StagePreparation
    ) -> LooseStage? {
        guard let configuration = configuration as? Factory.Configuration else { return nil }
        let branches = zip(stage.branchNames, stage.nested).map { name, list in
            PreparedBranch(name: name, stages: preparation.prepare(list))
        }
        return LooseStage(name: stage.item.name, forms: Factory.forms, configuration: configuration) { form, context in
            var context = context
            var findings: [ConfigurationFinding] = []
            context.branches = try branches.map { branch in
                StageBranch(name: branch.name, stages: try branch.stages.compactMap { try $0.made(context, findings: &findings) })
            }
            if let finding = findings.first { throw StageError(.configuration, finding.message) }
            return try factory.make(configuration, form: form, context: context)
        }
    }
}
