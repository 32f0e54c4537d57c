import ArgumentParser
import Pipeline
import TunnelStages

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// `fluidity init`.
struct InitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Write a small configuration with comments, to begin with.",
        discussion: """
            For an agent, a server, a proxy in one process that needs no server, or a control plane. 'fluidity server --new' and \
            'fluidity join' write theirs by themselves: this is for those who set things up by hand.

            EXAMPLES
              fluidity init proxy && fluidity agent
              fluidity init server --out server.yaml
              fluidity init agent --out -
            """)

    @Argument(help: ArgumentHelp("What for: agent, server, proxy or control.", valueName: "kind"))
    var kind: InitialConfiguration = .agent

    @Option(
        help: ArgumentHelp(
            "The file, which isn't there yet, or '-' for standard output. Default: where 'fluidity agent', 'server' or 'control' find it.",
            valueName: "file"), completion: .file(extensions: ["yaml", "yml"]))
    var out: String?

    func run() async throws {
        try await Reporting.run {
            guard out != "-" else { return print(kind.text, terminator: "") }
            let file = out ?? "\(ConfigurationPlace.folder())/\(kind.command).yaml"
            do throws(CertificateCommandError) {
                let url = URL(fileURLWithPath: file)
                try PrivateFile.makeDirectory(url.deletingLastPathComponent())
                try PrivateFile.write([(url, kind.text)])
            } catch {
                throw StageError(
                    .unavailable, error.message + (error.code == .exists ? "; name another file with --out" : ""))
            }
            let isUsual = out == nil
            let name = ShellText.quoted(file)
            print(
                """
                wrote \(file). Next:
                \(kind.preparation.map { "  \($0)\n" }.joined())\
                  fluidity check \(name)
                  fluidity \(kind.command)\(isUsual ? "" : " --config \(name)")
                """)
        }
    }
}
