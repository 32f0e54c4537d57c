import ArgumentParser
import TunnelStages
import X509

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// `fluidity cert issue`.
struct CertificateIssueCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "issue",
        abstract: "Issue a server's or a client's certificate.",
        discussion: """
            Writes NAME.pem and NAME-key.pem, which can be read by their owner only. With --replace an existing pair is \
            renewed; an agent or server that runs uses the new one within seconds, for the connections that follow.

            EXAMPLES
              fluidity cert issue --ca certs --server server --dns tunnel.example.org --out certs
              fluidity cert issue --ca certs --client laptop --days 90 --out certs
              fluidity cert issue --ca certs --server server --dns tunnel.example.org --out certs --replace
            """)

    @Argument(help: "The certificate's common name, and the name of its files.")
    var name: String

    @Option(help: ArgumentHelp("Where ca.pem and ca-key.pem are.", valueName: "directory"), completion: .directory)
    var ca: String

    @Flag(help: "For a server. Needs a DNS or URI name.")
    var server = false

    @Flag(help: "For a client, an agent say.")
    var client = false

    @Option(help: "A DNS name. '*.' may stand before it. May be repeated.")
    var dns: [String] = []

    @Option(help: "An IP address. May be repeated.")
    var ip: [String] = []

    @Option(help: "A URI. May be repeated.")
    var uri: [String] = []

    @Option(help: "How many days it is valid, the authority's own end at most.")
    var days = 397

    @Option(help: ArgumentHelp("Where to write the certificate and its key.", valueName: "directory"), completion: .directory)
    var out: String

    @Flag(help: "Put the new certificate and key in the place of those that are there.")
    var replace = false

    func run() throws {
        try CertificateCommand.reporting {
            try CertificateDirectory.validate(name)
            let authority = try CertificateDirectory(path: ca).loadAuthority()
            let issued = try authority.issue(
                CertificateRequest(
                    name: name, isServer: server, isClient: client, dnsNames: dns, addresses: ip, uris: uri, days: days))
            let directory = CertificateDirectory(path: out)
            do {
                try directory.save(issued, as: name, replacing: replace)
            } catch let error as CertificateCommandError where error.code == .exists {
                throw CertificateCommandError(error.code, "\(error.message); --replace renews it")
            }
            let end = CertificateReport.date(issued.certificate.notValidAfter)
            print("\(directory.certificate(name).relativePath): valid until \(end)")
            print("\(directory.key(name).relativePath): its private key")
        }
    }
}
