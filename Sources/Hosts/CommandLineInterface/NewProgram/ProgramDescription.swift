import ConfigurationLanguage
import Pipeline
import Platform

/// What `fluidity build` is told: the program's name, where Fluidity is, and the packages whose stages the program gets.
struct ProgramDescription: NestedConfiguration {
    var program = ProgramName(unchecked: "")
    var fluidity = FluidityPackage()
    var packages: [StagePackage] = []

    init() {}

    static let schema = Schema<ProgramDescription>(
        .required("program", \.program, "The program's name."),
        .required("fluidity", \.fluidity, "Where Fluidity is, and which version of it."),
        .required("packages", \.packages, "The packages with stages.")
    )

    func validate() -> [ConfigurationProblem] {
        var problems: [ConfigurationProblem] = []
        if packages.isEmpty {
            problems.append(ConfigurationProblem("there is no package: the program would be 'fluidity' itself", key: "packages"))
        }
        var names: Set<String> = []
        for (index, package) in packages.enumerated() {
            if !names.insert(package.at.name.lowercased()).inserted || package.at.name.lowercased() == fluidity.at.name.lowercased()
            {
                problems.append(
                    ConfigurationProblem(
                        "there are two packages '\(package.at.name)'", key: "packages.packages[\(index + 1)].at",
                        hint:
                            "Swift's package manager knows a package by the last part of its place: write all stages of one in one list"
                    ))
            }
        }
        var stages: Set<StageName> = []
        for (index, package) in packages.enumerated() {
            for stage in package.stages where !stages.insert(stage.value).inserted {
                problems.append(
                    ConfigurationProblem("'\(stage.value.printed)' is named twice", key: "packages.packages[\(index + 1)].stages"))
            }
        }
        return problems
    }

    /// Reads a file's text; what is wrong comes out with its line.
    static func read(_ text: String, file: String) throws(ConfigurationErrors) -> ProgramDescription {
        let sourceText = SourceText(text)
        var source = ConfigurationSource(file: file, text: sourceText)
        var reader = YAMLReader(sourceText)
        let root = reader.read()
        source.blanksByWord = root == nil
        if let root { source.blankSecrets(in: root, known: []) }
        let context = DecodingContext(directory: FileAccess.directory(of: file))
        let start = ConfigurationNode(.null, origin: .file(SourcePosition(line: 1, column: 1)))
        let value =
            reader.findings.isEmpty ? decodeMapping(root ?? start, in: context, noun: "the description of a program") : nil
        let findings = (reader.findings + context.findings).filter { $0.severity == .error }
        guard let value, findings.isEmpty else { throw ConfigurationErrors(findings.map(source.error)) }
        return value
    }
}

/// A package with a place and a version.
protocol VersionedPackage: NestedConfiguration {
    var at: PackagePlace { get }
    /// What products name the package by.
    var name: String { get }
    var version: PackageVersion? { get }
    var branch: String? { get }
    var revision: String? { get }
}

extension VersionedPackage {
    func versionProblems() -> [ConfigurationProblem] {
        let given = [("version", version != nil), ("branch", branch != nil), ("revision", revision != nil)].filter(\.1).map(\.0)
        guard case .repository = at else {
            return given.prefix(1).map { ConfigurationProblem("a folder has no '\($0)': it is taken as it is", key: $0) }
        }
        if given.count > 1 {
            return [ConfigurationProblem("'\(given[1])' stands beside '\(given[0])': a repository has one of them", key: given[1])]
        }
        guard given.isEmpty else { return [] }
        return [
            ConfigurationProblem(
                "it isn't said which version of the repository is taken", key: "at",
                hint: "add 'version: 1.2.0', 'branch: main' or 'revision: HASH'")
        ]
    }

    /// The entry in a manifest, of which the name is what products name the package by.
    var dependency: String {
        let place = SwiftText.literal(at.text)
        switch at {
        case .folder: return ".package(name: \(SwiftText.literal(name)), path: \(place))"
        case .repository:
            if let branch { return ".package(url: \(place), branch: \(SwiftText.literal(branch)))" }
            if let revision { return ".package(url: \(place), revision: \(SwiftText.literal(revision)))" }
            let number = SwiftText.literal(version?.number ?? "")
            return ".package(url: \(place), \(version?.isExact ?? false ? "exact" : "from"): \(number))"
        }
    }
}

/// Where Fluidity is.
struct FluidityPackage: VersionedPackage {
    var at = PackagePlace.folder("")
    var version: PackageVersion?
    var branch: String?
    var revision: String?

    init() {}

    static let schema = Schema<FluidityPackage>(
        .required("at", \.at, "A folder, or a repository's URL."),
        .optional("version", \.version, "Of a repository: from this version on, or with '=' before it no other."),
        .optional("branch", \.branch, "Of a repository: the newest of this branch."),
        .optional("revision", \.revision, "Of a repository: this revision.")
    )

    func validate() -> [ConfigurationProblem] { versionProblems() }

    /// A folder may have any name; this is the package's own.
    var name: String { if case .folder = at { "fluidity" } else { at.name } }
}

/// A package, and which stages of it the program gets.
struct StagePackage: VersionedPackage {
    var at = PackagePlace.folder("")
    var version: PackageVersion?
    var branch: String?
    var revision: String?
    var stages: [Positioned<StageName>] = []

    init() {}

    static let schema = Schema<StagePackage>(
        .required("at", \.at, "A folder, or a repository's URL."),
        .optional("version", \.version, "Of a repository: from this version on, or with '=' before it no other."),
        .optional("branch", \.branch, "Of a repository: the newest of this branch."),
        .optional("revision", \.revision, "Of a repository: this revision."),
        .required("stages", \.stages, "The modules with the stages, each by its name, or 'Module.Factory'.")
    )

    func validate() -> [ConfigurationProblem] {
        versionProblems() + (stages.isEmpty ? [ConfigurationProblem("no stage of the package is named", key: "stages")] : [])
    }

    var name: String { at.name }

    /// Each module once, in the order of the file.
    var modules: [String] {
        var seen: Set<String> = []
        return stages.map(\.value.module).filter { seen.insert($0).inserted }
    }
}
