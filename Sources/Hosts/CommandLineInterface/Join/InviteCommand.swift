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

/// `fluidity invite`.
struct InviteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "invite",
        abstract: "Invite a machine to join: prints the line to give it.",
        discussion: """
            Run it on the server's machine, with the server's configuration, which has the stage 'enrol'. The line has a code that \
            counts once and for a short time: give it only to the one who is invited. The server needs no restart.

            EXAMPLES
              fluidity invite laptop
              fluidity invite laptop --server tunnel.example.org:8443 --valid 1h
            """)

    @Argument(help: "The name that the machine's certificate gets.")
    var name: String

    @Option(help: "How long the invitation counts: 15m, 24h.")
    var valid = "15m"

    @Option(
        help: ArgumentHelp(
            "Where the server is reached. Default: this machine's first address, and the port it listens on.",
            valueName: "host:port"))
    var server: String?

    @Option(help: "How many days the certificate is valid.")
    var days = 397

    @Option(help: "A URI that the certificate has too, such as spiffe://example.org/laptop.")
    var uri: String?

    @Option(name: .shortAndLong, help: "The server's configuration file.", completion: .file(extensions: ["yaml", "yml"]))
    var config: String?

    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        try await Reporting.run {
            guard let valid = try? Duration(configured: valid), valid >= .seconds(1), valid <= .seconds(30 * 86_400) else {
                throw ValidationError("--valid is a duration from 1s to 30d, such as 15m, not '\(valid)'")
            }
            do throws(CertificateCommandError) {
                try CertificateDirectory.validate(name)
                // Says now what the server would have to say to somebody who can't mend it.
                try CertificateRequest(name: name, isClient: true, uris: uri.map { [$0] } ?? [], days: days).check()
            } catch {
                throw ValidationError(error.message)
            }
            let setup = try ServerSetup(config, options, checksFiles: true)
            guard let enrol = setup.enrol else {
                throw StageError(
                    .configuration, "\(setup.file) has no stage 'enrol', which admits those who are invited; put it before 'mtls'")
            }
            guard let ca = enrol.ca, let invitations = enrol.invitations?.path else {
                throw StageError(
                    .configuration,
                    "\(setup.file) leads those who join to a desk: run this there, with its configuration, and name this server with --server"
                )
            }
            let address = try setup.address(server)
            let line = InvitationLine(name: name, server: address, authority: try ServerSetup.fingerprint(ca))
            let until = WallTime.seconds + Int(valid.components.seconds)
            let invitation = Invitation(name: name, until: until, days: days, uri: uri)
            do throws(CertificateCommandError) {
                try PrivateFile.makeDirectory(URL(fileURLWithPath: invitations, isDirectory: true))
                try PrivateFile.write([
                    (URL(fileURLWithPath: "\(invitations)/\(line.codeHash)"), invitation.text)
                ])
            } catch {
                throw StageError(.unavailable, error.message)
            }
            InvitationStore(directory: invitations).tidy(now: WallTime.seconds)
            Reporting.write("'\(name)' may join until \(Timestamp.utc(until)), once, at \(address). On that machine:")
            print("fluidity join \(line.text)")
        }
    }
}
