import ArgumentParser
import ConfigurationLanguage
import Pipeline
import Platform
import TunnelStages

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Turn a configuration of the first Fluidity into a pipeline.",
        discussion: """
            Reads the old file and, above it, the variables that the first Fluidity reads (FLUIDITY_SERVER_IP, WAKE_ENDPOINT, \
            API_KEY and others). What has no counterpart is named, and stands at the head of the new file. The new file is \
            checked before it is written.

            EXAMPLES
              fluidity migrate agent.yaml --out agent-new.yaml
              fluidity migrate agent.yaml --environment /etc/fluidity/agent.env --out agent-new.yaml
              fluidity migrate server.yaml > server-new.yaml
            """)

    @Argument(help: "The old file.", completion: .file(extensions: ["yaml", "yml"]))
    var file: String

    @Option(help: ArgumentHelp("The new file, which must not exist; by default it is printed.", valueName: "file"))
    var out: String?

    @Option(help: ArgumentHelp("A file of lines NAME=VALUE with more variables.", valueName: "file"))
    var environment: String?

    @Option(help: "What the file is for, agent or server, where its keys don't say.")
    var host: String?

    @Option(name: .customLong("server-ip"), help: ArgumentHelp("The server's address, above the file's.", valueName: "address"))
    var serverIP: String?

    @Option(help: ArgumentHelp("The name in the server's certificate.", valueName: "name"))
    var serverName: String?

    @Flag(help: "The agent's server is still one of the first Fluidity.")
    var oldServer = false

    func run() async throws {
        try await Reporting.run {
            var choices = Migration.Choices()
            if let host {
                guard let kind = HostKind(rawValue: host), kind != .lambda else {
                    throw ValidationError("--host is agent or server, not '\(host)'")
                }
                choices.host = kind
            }
            choices.serverIP = serverIP
            choices.serverName = serverName
            choices.speaksEnvelopes = oldServer
            let settings = FormerSettings(text: try FileText.read(file), file: file, variables: try variables())
            let folder = out.map { FileAccess.directory(of: $0) } ?? FileAccess.directory(of: file)
            let moved = MovedPaths(workingDirectory: FileManager.default.currentDirectoryPath, old: file, newDirectory: folder)
            let migration = Migration(settings, choices) { moved.path(for: $0) }
            guard migration.problems.isEmpty else { throw ConfigurationErrors(migration.problems) }
            // Nothing is written that wouldn't be read.
            let loader = ConfigurationLoader(
                registry: KnownStages.registry, environment: variablesOfReferences(), checksFiles: false)
            _ = try loader.load(text: migration.text, file: out ?? "the new file", host: nil)
            for note in migration.notes { Reporting.write("note: \(note)") }
            guard let out else { return print(migration.text, terminator: "") }
            do throws(CertificateCommandError) {
                try PrivateFile.write([(URL(fileURLWithPath: out), migration.text)])
            } catch {
                Reporting.write("error: \(error.message)")
                throw ExitCode(73)
            }
            print("\(out): written; 'fluidity check \(out)' checks it with its files")
        }
    }

    private func variables() throws -> [String: String] {
        var variables = ProcessInfo.processInfo.environment
        guard let environment else { return variables }
        for line in try FileText.read(environment).split(whereSeparator: \.isNewline) {
            var line = Substring(line.trimmingPrefix { $0 == " " || $0 == "\t" })
            if line.hasPrefix("export ") { line = line.dropFirst(7) }
            guard !line.hasPrefix("#"), let equals = line.firstIndex(of: "=") else { continue }
            var value = line[line.index(after: equals)...]
            if let quote = value.first, quote == "\"" || quote == "'", value.count > 1, value.last == quote {
                value = value.dropFirst().dropLast()
            }
            variables[String(line[..<equals])] = String(value)
        }
        return variables
    }

    /// So that a reference to a key in a variable isn't an error here.
    private func variablesOfReferences() -> [String: String] {
        Dictionary(uniqueKeysWithValues: FirstFluidity.Key.apiKey.variables.map { ($0, "key") })
    }
}
