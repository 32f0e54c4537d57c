public import ConfigurationLanguage
import Platform

/// Reads configuration files and checks them against the stages of a registry. All errors of a file are found in one run.
///
/// What counts, from the weakest to the strongest: a key's default, the file, the environment (`FLUIDITY_…`), the command
/// line. A variable's name is its path in capitals, with `_` for every dot and hyphen: `FLUIDITY_LOG_LEVEL`,
/// `FLUIDITY_PIPELINE_ACCEPT_MAX_CONNECTIONS`, `FLUIDITY_PIPELINE_FRAME_2_CODEC` for the second stage of a name,
/// `FLUIDITY_PIPELINE_ROUTE_BRANCHES_ABROAD_STAGES_CONNECT_TO` in a branch.
public struct ConfigurationLoader: Sendable {
    /// The largest file that is read, in bytes.
    public static let sizeLimit = 1 << 20

    let registry: StageRegistry
    let environment: [String: String]
    private let ignoredVariables: Set<String>
    let checksFiles: Bool
    private let profile: String?

    /// - Parameters:
    ///   - ignoredVariables: variables that begin with `FLUIDITY_` and mean something to others.
    ///   - profile: the profile that counts; by default what `FLUIDITY_PROFILE` says.
    ///   - checksFiles: whether files that a configuration names must exist. To look at a pipeline they need not.
    public init(
        registry: StageRegistry, environment: [String: String], ignoredVariables: Set<String> = [], profile: String? = nil,
        checksFiles: Bool = true
    ) {
        self.profile = profile
        self.checksFiles = checksFiles
        self.registry = registry
        self.environment = environment
        self.ignoredVariables = ignoredVariables
    }

    /// What a file says beside its pipeline, and the pipeline's key itself.
    package static var fileKeys: [SchemaDescription] { FileSettings.describeKeys() }

    /// Reads a file.
    /// - Parameter host: what will run the pipeline. Where it is nil, the file says, or the pipeline's own shape.
    public func load(
        path: String, host: HostKind?, overrides: [ConfigurationOverride] = []
    ) throws(ConfigurationErrors) -> LoadedConfiguration {
        try load(text: try read(path), file: path, host: host, overrides: overrides)
    }

    func read(_ path: String) throws(ConfigurationErrors) -> String {
        let bytes: [UInt8]?
        do {
            bytes = try FileAccess.read(path, limit: Self.sizeLimit)
        } catch {
            throw refusal(path, "the file can't be read: \(error.reason)")
        }
        guard let bytes else { throw tooLarge(path) }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw refusal(path, "the file is not UTF-8 text") }
        return text
    }

    /// Reads a text as if it stood in a file of the given name.
    public func load(
        text: String, file: String, host: HostKind?, overrides: [ConfigurationOverride] = []
    ) throws(ConfigurationErrors) -> LoadedConfiguration {
        guard text.utf8.count <= Self.sizeLimit else { throw tooLarge(file) }
        let sourceText = SourceText(text)
        var source = ConfigurationSource(file: file, text: sourceText)
        var reader = YAMLReader(sourceText)
        guard let root = reader.read() else {
            source.blanksByWord = true
            guard reader.findings.isEmpty else { throw ConfigurationErrors(source.errors(reader.findings)) }
            throw refusal(file, "the file is empty", hint: "it needs the key 'pipeline', a list of stages")
        }
        guard case .mapping = root.content else {
            source.blankSecrets(in: root, known: [])
            var hint = "begin with 'pipeline:' and list the stages below it"
            if case .sequence = root.content { hint += "; a file that is a list is for '- include: FILE' in another" }
            let finding = ConfigurationFinding(
                message: "a configuration is a mapping, not \(root.shown(secret: true))", hint: hint, origin: root.origin,
                severity: .error)
            throw ConfigurationErrors(source.errors(reader.findings + [finding]))
        }
        var inclusion = Inclusion(
            source: source, pieces: reader.pieces, bytes: text.utf8.count, environment: environment, registry: registry)
        let whole = inclusion.whole(root)
        source = inclusion.source
        source.blankSecrets(in: root, known: [])
        for part in inclusion.parts { source.blankSecrets(in: part, known: []) }
        var draft = Draft(
            root: whole, files: source.files, checksFiles: checksFiles, findings: reader.findings + inclusion.findings)
        let variable = OverrideApplication.profileVariable
        let fromOutside = environment[variable].flatMap { $0.isEmpty ? nil : (name: $0, origin: variable) }
        draft.resolve(
            environment: environment, overrides: overrides, registry: registry, ignoring: ignoredVariables.union([variable]),
            referred: inclusion.variables, profile: profile.map { (name: $0, origin: "--profile") } ?? fromOutside)
        draft.decode(registry: registry, host: host)
        for part in [root] + inclusion.parts { source.blankSecrets(in: part, known: draft.secrets) }
        // What a file would have said can't be guessed: that it is missing shall not look like ten other mistakes. The rest was read all the
        // same: only that tells which keys hold secrets.
        guard inclusion.isWhole else { throw ConfigurationErrors(source.errors(reader.findings + inclusion.findings)) }
        return try draft.finished(source: source)
    }

    private func tooLarge(_ file: String) -> ConfigurationErrors {
        refusal(file, "the file has more than \(ByteCount(Self.sizeLimit).printed)")
    }

    private func refusal(_ file: String, _ message: String, hint: String? = nil) -> ConfigurationErrors {
        ConfigurationErrors([ConfigurationError(file: file, message: message, hint: hint)])
    }
}
