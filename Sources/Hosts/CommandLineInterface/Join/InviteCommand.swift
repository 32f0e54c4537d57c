import ArgumentParser
import ConfigurationLanguage
import Crypto
import NIOCore
import Pipeline
import Platform
import SwiftASN1
import TunnelStages
import X509

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
            let file = try ConfigurationPlace.server.find(config)
            let stages = try options.load(file, host: .server, checksFiles: false).allStages.map(\.configuration)
            guard let enrol = stages.lazy.compactMap({ $0 as? EnrolConfiguration }).first else {
                throw StageError(
                    .configuration, "\(file) has no stage 'enrol', which admits those who are invited; put it before 'mtls'")
            }
            let address =
                try server.map(Self.address) ?? Self.ownAddress(stages.lazy.compactMap { $0 as? AcceptConfiguration }.first)
            let line = InvitationLine(name: name, server: address, authority: try Self.fingerprint(enrol.ca))
            let until = WallTime.seconds + Int(valid.components.seconds)
            let invitation = Invitation(name: name, until: until, days: days, uri: uri)
            do throws(CertificateCommandError) {
                try PrivateFile.makeDirectory(URL(fileURLWithPath: enrol.invitations.path, isDirectory: true))
                try PrivateFile.write([
                    (URL(fileURLWithPath: "\(enrol.invitations.path)/\(line.codeHash)"), invitation.text)
                ])
            } catch {
                throw StageError(.unavailable, error.message)
            }
            InvitationStore(directory: enrol.invitations.path).tidy(now: WallTime.seconds)
            Reporting.write("'\(name)' may join until \(Timestamp.utc(until)), once, at \(address). On that machine:")
            print("fluidity join \(line.text)")
        }
    }

    private static func address(_ text: String) throws -> HostPort {
        do throws(InvalidValue) { return try HostPort(configured: text) } catch {
            throw ValidationError("--server is a host and a port such as tunnel.example.org:8443, not '\(text)'")
        }
    }

    private static func ownAddress(_ accept: AcceptConfiguration?) throws -> HostPort {
        guard case .tcp(let host, let port)? = accept?.listen, port != 0 else {
            throw StageError(
                .configuration, "the port that the server listens on isn't known; say with --server where it is reached")
        }
        let isEverywhere = ["0.0.0.0", "::"].contains(host)
        if !isEverywhere { return HostPort(host: host, port: port) }
        let devices = (try? System.enumerateDevices()) ?? []
        let addresses = devices.compactMap(\.address)
        // What others reach: none of this machine's own, and of two kinds the one that is spoken everywhere.
        let candidates = addresses.filter { !$0.isLoopback && $0.ipAddress?.hasPrefix("fe80") == false }
        guard let found = (candidates.first { $0.protocol == .inet } ?? candidates.first)?.ipAddress else {
            throw StageError(
                .configuration, "this machine has no address that others reach; say with --server where the server is reached")
        }
        return HostPort(host: found, port: port)
    }

    private static func fingerprint(_ source: PEMSource) throws -> [UInt8] {
        let text: String
        switch source {
        case .text(let secret): text = secret.revealed
        case .file(let file):
            do { text = try PrivateFile.read(URL(fileURLWithPath: file.path)) } catch {
                throw StageError(.unavailable, error.message)
            }
        }
        guard let document = try? PEMDocument(pemString: text) else {
            throw StageError(.configuration, "the authority's certificate can't be read: it is no PEM file")
        }
        return Array(SHA256.hash(data: document.derBytes))
    }
}
