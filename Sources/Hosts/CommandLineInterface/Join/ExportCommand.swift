import ArgumentParser
import ConfigurationLanguage
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

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// `fluidity export`.
struct ExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Make an agent's configuration with everything in it: one file to carry to a machine.",
        discussion: """
            For a machine that can't be invited, as it reaches the server only once it has joined. Run it where the authority's key \
            is. The file has a private key in it: carry it by a way that nobody else reads, and delete what is left on the way. On \
            the machine, 'fluidity agent --config laptop.yaml' runs it, and 'fluidity import laptop.yaml' puts it where \
            'fluidity agent' finds it.

            EXAMPLES
              fluidity export laptop --out laptop.yaml
              fluidity export laptop --server tunnel.example.org:8443 --out laptop.yaml
              fluidity export laptop | ssh laptop 'umask 077; cat > laptop.yaml'
            """)

    @Argument(help: "The name that the machine's certificate gets.")
    var name: String

    @Option(
        help: ArgumentHelp(
            "Where the server is reached. Default: this machine's first address, and the port it listens on.",
            valueName: "host:port"))
    var server: String?

    @Option(
        help: ArgumentHelp("Where ca.pem and ca-key.pem are. Default: what 'enrol' says.", valueName: "directory"),
        completion: .directory)
    var ca: String?

    @Option(help: "How many days the certificate is valid.")
    var days = 397

    @Option(help: "A URI that the certificate has too, such as spiffe://example.org/laptop.")
    var uri: String?

    @Option(help: ArgumentHelp("The machine's way to the server: a proxy, or 'environment'.", valueName: "proxy"))
    var via: String?

    @Option(help: ArgumentHelp("Where the proxy on the machine listens.", valueName: "address:port"))
    var listen = "127.0.0.1:8080"

    @Option(
        help: ArgumentHelp("Write this file, which isn't there yet, and not to standard output.", valueName: "file"),
        completion: .file(extensions: ["yaml", "yml"]))
    var out: String?

    @Option(name: .shortAndLong, help: "The server's configuration file.", completion: .file(extensions: ["yaml", "yml"]))
    var config: String?

    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        try await Reporting.run {
            do throws(CertificateCommandError) { try CertificateDirectory.validate(name) } catch {
                throw ValidationError(error.message)
            }
            guard out != nil || isatty(STDOUT_FILENO) == 0 else {
                throw ValidationError(
                    "the file has a private key in it: name a file with '--out \(name).yaml'")
            }
            // Before anything is issued.
            try checkOutput()
            let setup = try ServerSetup(config, options, checksFiles: true)
            let address = try setup.address(server)
            let serverName = try setup.serverName()
            let authority = try authority(setup)
            let request = CertificateRequest(name: name, isClient: true, uris: uri.map { [$0] } ?? [], days: days)
            let issued: IssuedCertificate
            do { issued = try authority.issue(request) } catch let error as CertificateCommandError {
                throw StageError(.unavailable, error.message)
            }
            let agent = AgentText(
                server: address, serverName: serverName, certificate: .pem(try issued.certificatePEM()),
                key: .pem(try issued.keyPEM()), authority: .pem(try authority.certificate.serializeAsPEM().pemString), via: via,
                listen: listen)
            // Says now what its agent would say.
            let loader = ConfigurationLoader(registry: KnownStages.registry, environment: [:], checksFiles: false)
            _ = try loader.load(text: agent.text, file: out ?? "\(name).yaml", host: .agent, overrides: []).plan(logger: .quiet)
            try note(issued, in: setup)
            try write(agent.text)
            Reporting.write(
                """
                '\(name)' has a certificate until \(Timestamp.utc(Int(issued.certificate.notValidAfter.timeIntervalSince1970))), and the \
                file its key: whoever has the file is '\(name)'. On that machine:
                fluidity import \(ShellText.quoted(out ?? "\(name).yaml"))
                """)
        }
    }

    private func authority(_ setup: ServerSetup) throws -> CertificateAuthority {
        do {
            if let ca { return try CertificateDirectory(path: ca).loadAuthority() }
            guard let certificate = setup.enrol?.ca, let key = setup.enrol?.caKey else {
                throw StageError(
                    .configuration, "\(setup.file) doesn't say where the authority's key is; name its folder with --ca")
            }
            return try CertificateAuthority(
                certificatePEM: ServerSetup.text(certificate), keyPEM: ServerSetup.text(key))
        } catch let error as CertificateCommandError {
            throw StageError(.unavailable, error.message)
        }
    }

    /// So that it can be revoked by its name before it was ever here.
    private func note(_ issued: IssuedCertificate, in setup: ServerSetup) throws {
        guard !setup.rosters.isEmpty else { return }
        var entry = RosterEntry(key: try issued.certificate.publicKey.infoHash())
        (entry.name, entry.uri, entry.joined) = (name, uri, WallTime.seconds)
        entry.end = Int(issued.certificate.notValidAfter.timeIntervalSince1970)
        for roster in setup.rosters where !roster.make() || !roster.note(joined: entry) {
            throw StageError(.unavailable, "it can't be written into \(roster.path) that '\(name)' has a certificate")
        }
    }

    /// Whether what has the key can be put where nobody else reads it.
    private func checkOutput() throws {
        var status = stat()
        if let out {
            guard lstat(out, &status) != 0 else { throw StageError(.unavailable, "\(out) exists already") }
            return
        }
        guard fstat(STDOUT_FILENO, &status) == 0 else {
            throw StageError(.unavailable, "standard output can't be written: \(String(cString: strerror(errno)))")
        }
        guard status.st_mode & S_IFMT == S_IFREG else { return }
        // A file that the shell has made may be anybody's to read; whose it is may read it whatever its mode.
        guard status.st_uid == geteuid(), fchmod(STDOUT_FILENO, 0o600) == 0 else {
            throw StageError(
                .unavailable,
                "the file has a private key in it, and standard output is a file of another user: write it with '--out \(name).yaml'"
            )
        }
    }

    private func write(_ text: String) throws {
        if let out {
            do throws(CertificateCommandError) { try PrivateFile.write([(URL(fileURLWithPath: out), text)]) } catch {
                throw StageError(.unavailable, error.message)
            }
            return
        }
        guard WholeWrite.write(text.utf8, to: STDOUT_FILENO) else {
            throw StageError(.unavailable, "standard output can't be written: \(String(cString: strerror(errno)))")
        }
    }
}
