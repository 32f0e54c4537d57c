import ArgumentParser
import ConfigurationLanguage
import Pipeline

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

struct TestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Run the tests of a pipeline, without a network.",
        discussion: """
            The tests are the file's key 'tests', or stand in a file beside it: agent.tests.yaml for agent.yaml. Each sends a \
            request through the stages that take exchanges and says what it expects: status, fields, the stage that answered, \
            what would reach the origin. What stands before those stages and behind them is replaced.

            The status is 0 if all pass, 1 if one doesn't, 65 if the file can't work or has no tests.

            EXAMPLES
              fluidity test team.yaml
              fluidity test team.yaml --only "a guest is refused"
            """)

    @Argument(help: "The configuration file.")
    var file: String

    @Option(help: ArgumentHelp("Run only the tests with this in their name.", valueName: "text"))
    var only: String?

    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        try await Reporting.run {
            let configuration = try options.load(file, host: nil, checksFiles: false)
            for warning in configuration.warnings { Reporting.write(warning.description) }
            var sets = configuration.tests.tests.isEmpty ? [] : [configuration.tests]
            let beside = Self.fileBeside(file)
            if FileManager.default.fileExists(atPath: beside) { sets.append(try options.loader().loadTests(path: beside)) }
            var count = 0
            var failed = 0
            for set in sets {
                for (index, test) in set.tests.enumerated() where only.map(test.name.contains) ?? true {
                    count += 1
                    let findings = try await PipelineTestRun(configuration, set, index, logger: .quiet).findings()
                    print("\(findings.isEmpty ? "ok   " : "FAIL ") \(test.name)")
                    for finding in findings { print(finding.description) }
                    if !findings.isEmpty { failed += 1 }
                }
            }
            guard count > 0 else {
                throw ConfigurationErrors([
                    ConfigurationError(
                        file: file, message: only == nil ? "there are no tests" : "no test has '\(only ?? "")' in its name",
                        hint: "write them below the key 'tests', or in \(beside)")
                ])
            }
            print("\(count - failed) of \(count) passed")
            if failed > 0 { throw ExitCode.failure }
        }
    }

    /// `agent.tests.yaml` for `agent.yaml`.
    static func fileBeside(_ file: String) -> String {
        for suffix in [".yaml", ".yml"] where file.hasSuffix(suffix) {
            return file.dropLast(suffix.count) + ".tests" + suffix
        }
        return file + ".tests.yaml"
    }
}
