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
        abstract: "Join a server with the line that 'fluidity invite' has printed.",
        discussion: """
            Makes a key that never leaves this machine, knows the server by the fingerprint in the line, gets a certificate, and \
            writes the agent's configuration. What was interrupted may be done again with the same line.

            EXAMPLES
              fluidity join fluidity-join-1.…
              fluidity join fluidity-join-1.… --via http://proxy.example:3128 --run
            """)

    @Argument(help: "The line.")
    var line: String

    @Option(
        help: ArgumentHelp(
            "The way to the server: a proxy, or 'environment' for what HTTPS_PROXY says. Default: that, where it says something.",
            valueName: "proxy"))
    var via: String?

    @Option(help: ArgumentHelp("Where the configuration and the certificates go.", valueName: "directory"), completion: .directory)
    var out: String?

    @Option(help: ArgumentHelp("Where the proxy on this machine listens.", valueName: "address:port"))
    var listen = "127.0.0.1:8080"

    @Flag(help: "Run the agent as soon as it has joined.")
    var run = false

    /// How long the server may take.
    private static let patience = Duration.seconds(30)

    func run() async throws {
        try await Reporting.run {
            let file = try await join()
            if run { try OwnProgram.become(["agent", "--config", file]) }
        }
    }

    /// The configuration's path.
    private func join() async throws -> String {
        guard let line = InvitationLine(line) else {
            throw ValidationError(
                "this is no line of 'fluidity invite', or a part of it is missing: copy all of it, from 'fluidity-join-1.' on")
        }
        do { try CertificateDirectory.validate(line.name) } catch {
            throw ValidationError("the line's name can't be one of files here: \(error.message)")
        }
        let folder = out ?? ConfigurationPlace.folder()
        let file = "\(folder)/agent.yaml"
        // Before the code is spent.
        guard !FileManager.default.fileExists(atPath: file) else {
            throw StageError(
                .unavailable,
                "\(file) is there already: this machine has joined. 'fluidity agent' runs it; to join again, move it away or name a folder with --out"
            )
        }
        let agent = JoinedAgent(folder: folder, line: line, via: via, listen: listen)
        let connect = try agent.way()
        do {
            let key = try agent.key()
            let grant = try await EnrolClient(line, by: connect, logger: .quiet).join(key, within: Self.patience)
            try agent.save(grant)
        } catch let error as CertificateCommandError {
            throw StageError(.unavailable, error.message)
        }
        let isUsual = out == nil
        let command = isUsual ? "fluidity agent" : "fluidity agent --config \(ShellText.quoted(file))"
        Reporting.write(
            """
            '\(line.name)' has joined \(line.server). The configuration is \(file).
            \(run ? "The agent runs now." : "Run it:  \(command)")
            A program uses it as its HTTP proxy:  curl -x http://\(listen) https://example.com/
            In a browser, set the HTTP and the HTTPS proxy to \(listen).
            """)
        return file
    }
}
