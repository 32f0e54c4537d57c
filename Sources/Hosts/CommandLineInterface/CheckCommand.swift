import ArgumentParser
import ConfigurationLanguage
import Pipeline

struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check configuration files without running them.",
        discussion: """
            Reports every error of every file, each with its place, and ends with status 65 if there are any. What the files \
            name, certificates say, is checked too. Given an agent's file and a server's, it checks that the two work \
            together: codecs, names and authorities of the certificates, ports, limits. Each of a file's profiles is checked as well.

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
        var good: [LoadedConfiguration] = []
        for file in files {
            // A file that is named twice isn't meant to be run twice.
            guard !good.contains(where: { $0.file == file }) else { continue }
            do {
                let configuration = try options.load(file, host: kind)
                for warning in configuration.warnings { Reporting.write(warning.description) }
                _ = try configuration.plan(logger: .quiet)
                for warning in EnrolCheck.findings(configuration) { Reporting.write(warning.description) }
                // Whoever chooses one of them later is to find it good as well.
                for profile in configuration.profiles {
                    _ = try options.load(file, host: kind, profile: profile).plan(logger: .quiet)
                }
                print("\(file): ok")
                for sentence in KeptCheck.sentences(configuration) { print("\(file): \(sentence)") }
                good.append(configuration)
            } catch let error as ConfigurationErrors {
                isClean = false
                Reporting.write(error.description)
            } catch let error as StageError {
                isClean = false
                Reporting.write("\(file): error: \(error.message)")
            }
        }
        for finding in ListenerCheck.findings(good, severity: .warning) { Reporting.write(finding.description) }
        if files.count == 2, good.count == 2, !checkPair(good[0], good[1]) { isClean = false }
        if !isClean { throw Reporting.badConfiguration }
    }

    /// Checks that two good files work together, where they are an agent's and a server's.
    private func checkPair(_ first: LoadedConfiguration, _ second: LoadedConfiguration) -> Bool {
        guard let check = PairCheck(agent: first, server: second) ?? PairCheck(agent: second, server: first) else { return true }
        for finding in check.findings { Reporting.write(finding.description) }
        guard !check.findings.contains(where: { $0.severity == .error }) else { return false }
        print("\(first.file) and \(second.file) work together")
        return true
    }
}
