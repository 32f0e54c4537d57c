import ArgumentParser
import ConfigurationLanguage
import Crypto
import Pipeline
import Platform
import Runtime
import TunnelStages
import X509

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// `fluidity join`.
struct JoinCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "join",
        abstract: "Join a server with the line that 'fluidity invite' has printed, or the file of 'fluidity export'.",
        discussion: """
            Makes a key that never leaves this machine, knows the server by the fingerprint in the line, gets a certificate, and \
            writes the agent's configuration. What was interrupted may be done again with the same line. A file, which has all of \
            that in it, is looked at and put in its place; 'import' is another name of this command.

            EXAMPLES
              fluidity join fluidity-join-1.…
              fluidity join fluidity-join-1.… --via http://proxy.example:3128 --run
              fluidity import laptop.yaml
            """,
        aliases: ["import"])

    @Argument(help: "The line, or the file.", completion: .file(extensions: ["yaml", "yml"]))
    var line: String

    @Option(
        help: ArgumentHelp(
            "The way to the server: a proxy, or 'environment' for what HTTPS_PROXY says. Default: that, where it says something.",
            valueName: "proxy"))
    var via: String?

    @Option(help: ArgumentHelp("Where the configuration and the certificates go.", valueName: "directory"), completion: .directory)
    var out: String?

    @Option(help: ArgumentHelp("Where the proxy on this machine listens.", valueName: "address:port"))
    var listen: String?

    /// Where the proxy listens unless something else is said.
    private static let usualListen = "127.0.0.1:8080"

    @Flag(help: "Run the agent as soon as it has joined.")
    var run = false

    /// How long the server may take.
    private static let patience = Duration.seconds(30)

    func run() async throws {
        try await Reporting.run {
            let file = FileManager.default.fileExists(atPath: line) ? try importFile() : try await join()
            if run { try OwnProgram.become(["agent", "--config", file]) }
        }
    }

    /// The configuration's path.
    private func join() async throws -> String {
        guard let line = InvitationLine(line) else {
            guard !["yaml", "yml"].contains(URL(fileURLWithPath: self.line).pathExtension) else {
                throw ValidationError("there is no file '\(self.line)'")
            }
            throw ValidationError(
                "this is no line of 'fluidity invite', or a part of it is missing: copy all of it, from 'fluidity-join-1.' on")
        }
        do { try CertificateDirectory.validate(line.name) } catch {
            throw ValidationError("the line's name can't be one of files here: \(error.message)")
        }
        // Before the code is spent.
        let (folder, file) = try place()
        let listen = listen ?? Self.usualListen
        let agent = JoinedAgent(folder: folder, line: line, via: via, listen: listen)
        let connect = try agent.way()
        do {
            let key = try agent.key()
            let grant = try await EnrolClient(line, by: connect, logger: .quiet).join(key, within: Self.patience)
            try agent.save(grant)
        } catch let error as CertificateCommandError {
            throw StageError(.unavailable, error.message)
        }
        Reporting.write("'\(line.name)' has joined \(line.server). The configuration is \(file).\n\(advice(file, listen))")
        return file
    }

    /// Where the configuration goes, which isn't there yet.
    private func place() throws -> (folder: String, file: String) {
        let folder = out ?? ConfigurationPlace.folder()
        let file = "\(folder)/agent.yaml"
        guard !FileManager.default.fileExists(atPath: file) else {
            throw StageError(
                .unavailable,
                "\(file) is there already: this machine has joined. 'fluidity agent' runs it; to join again, move it away or name a folder with --out"
            )
        }
        return (folder, file)
    }

    /// Puts a file that has everything in it where it is found.
    private func importFile() throws -> String {
        guard via == nil, listen == nil else {
            throw ValidationError("--via and --listen go with a line; in a file they are values: change them there")
        }
        let (folder, file) = try place()
        let text = try FileText.read(line)
        let loader = ConfigurationLoader(registry: KnownStages.registry, environment: [:])
        let loaded = try loader.load(text: text, file: line, host: .agent, overrides: [])
        let stages = loaded.allStages.map(\.configuration)
        if let other = NamedFiles.paths(in: loaded).first {
            throw StageError(
                .configuration,
                "'\(line)' needs another file, \(other), and can't be put elsewhere without it; 'fluidity export' makes one that has everything in it"
            )
        }
        _ = try loaded.plan(logger: .quiet)
        do throws(CertificateCommandError) {
            try PrivateFile.makeDirectory(URL(fileURLWithPath: folder, isDirectory: true))
            try PrivateFile.write([(URL(fileURLWithPath: file), text)])
        } catch {
            throw StageError(.unavailable, error.message)
        }
        let listen = stages.lazy.compactMap { $0 as? AcceptConfiguration }.first.map { "\($0.listen)" }
        Reporting.write(
            "The configuration is \(file). '\(line)' has the key too: delete it.\n\(advice(file, listen ?? Self.usualListen))")
        return file
    }

    /// What to do next.
    private func advice(_ file: String, _ listen: String) -> String {
        let command = out == nil ? "fluidity agent" : "fluidity agent --config \(ShellText.quoted(file))"
        return """
            \(run ? "The agent runs now." : "Run it:  \(command)")
            A program uses it as its HTTP proxy:  curl -x http://\(listen) https://example.com/
            In a browser, set the HTTP and the HTTPS proxy to \(listen).
            """
    }
}
