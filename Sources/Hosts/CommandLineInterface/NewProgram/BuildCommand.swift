import ArgumentParser
import ConfigurationLanguage
import Pipeline
import Platform

/// `fluidity build`.
struct BuildCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "build",
        abstract: "Build a program with the stages of several packages.",
        discussion: """
            The file names the program, Fluidity, and packages with the modules whose stages are wanted; packages are folders or \
            repositories. What comes of it is this command line with these stages beside its own, in a package that can be kept.

              program: my-tunnel
              fluidity: { at: ../fluidity }
              packages:
                - { at: ../request-mark, stages: [RequestMark] }
                - { at: "https://git.example/team/quota.git", version: 1.2.0, stages: [Quota] }

            EXAMPLES
              fluidity build stages.yaml
              fluidity build stages.yaml --debug --into my-tunnel
              fluidity build stages.yaml -- --static-swift-stdlib
            """)

    @Argument(help: "The description of the program.", completion: .file(extensions: ["yaml", "yml"]))
    var file: String

    @Option(
        help: ArgumentHelp(
            "The folder of the package; by default one with the program's name, beside the file.", valueName: "folder"))
    var into: String?

    @Flag(help: "Build for work on it: faster, and the program is slower.")
    var debug = false

    @Flag(help: "Write the package, and don't build it.")
    var writeOnly = false

    @Argument(parsing: .postTerminator, help: "Options of 'swift build', after '--'.")
    var options: [String] = []

    func run() async throws {
        try await Reporting.run {
            let whole = FileAccess.plain(file)
            let description = try ProgramDescription.read(try FileText.read(file), file: file)
            let name = description.program.text
            let folder = into.map(FileAccess.plain) ?? FileAccess.resolve(name, from: FileAccess.directory(of: whole))
            do { try ProgramPackage(description: description, file: whole, folder: folder).write() } catch {
                Reporting.write(
                    "error: \(error is ProgramPackage.Taken ? "\(error)" : "'\(folder)' can't be written: " + FileProblem.reason(error))"
                )
                throw ExitCode(73)
            }
            guard !writeOnly else { return print("\(folder): written; 'swift build' builds it there") }
            let build = SwiftBuild(
                folder: folder, product: name, configuration: debug ? "debug" : "release", options: options)
            switch build.run() {
            case .done: print("\(build.program): built; its command line is Fluidity's")
            case .failed:
                throw StageError(.configuration, "the program can't be built; what Swift said of it stands above")
            case .missing:
                throw StageError(
                    .unavailable, "there is no 'swift' here: install Swift 6.3, or build '\(folder)' where there is one")
            }
        }
    }
}
