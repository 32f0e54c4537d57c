package import ArgumentParser
import TunnelStages

/// `fluidity cert`: a private authority and its certificates, without another tool.
package struct CertificateCommand: ParsableCommand {
    /// The command's name, help and subcommands.
    package static let configuration = CommandConfiguration(
        commandName: "cert",
        abstract: "Make and show certificates for the tunnel.",
        discussion: """
            Agent and server prove to each other who they are with certificates of one private authority.

            EXAMPLES
              fluidity cert init --out certs
              fluidity cert issue --ca certs --server server --dns tunnel.example.org --out certs
              fluidity cert issue --ca certs --client laptop --uri spiffe://example.org/laptop --out certs
              fluidity cert show certs/server.pem
            """,
        subcommands: [CertificateInitCommand.self, CertificateIssueCommand.self, CertificateShowCommand.self])

    /// A command without arguments, as ArgumentParser wants it.
    package init() {}

    /// Ends the command with a line on standard error and a status of its own for each kind of failure.
    static func reporting(_ body: () throws -> Void) throws {
        do {
            try body()
        } catch let error as CertificateCommandError {
            Reporting.write("error: \(error.message)")
            throw ExitCode(error.code.exitStatus)
        }
    }
}
