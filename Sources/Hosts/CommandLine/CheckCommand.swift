import ArgumentParser
import Pipeline

struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check configuration files without running them.",
        discussion: """
            Reports every error of every file, each with its place, and ends with status 65 if there are any. What the files \
            name, certificates say, is checked too.

            EXAMPLES
              fluidity check agent.yaml server.yaml
            """)

    @Argument(help: "The files to check.")
    var files: [String]

    @Option(help: "What the files are for: agent, server or lambda. By default each says so itself.")
    var host: String?

    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        var kind: HostKind?
        if let host {
            kind = HostKind(rawValue: host)
            guard kind != nil else { throw ValidationError("--host is agent, server or lambda, not '\(host)'") }
        }
        var isClean = true
        for file in files {
            do {
                let configuration = try options.load(file, host: kind)
                for warning in configuration.warnings { Reporting.write(warning.description) }
                _ = try configuration.plan(logger: Running.quietLogger)
                print("\(file): ok")
            } catch let error as ConfigurationErrors {
                isClean = false
                Reporting.write(error.description)
            } catch let error as StageError {
                isClean = false
                Reporting.write("\(file): error: \(error.message)")
            }
        }
        if !isClean { throw Reporting.badConfiguration }
    }
}
