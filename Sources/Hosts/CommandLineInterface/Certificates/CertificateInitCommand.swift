import ArgumentParser
import TunnelStages
import X509

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// `fluidity cert init`.
struct CertificateInitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Make a private certificate authority.",
        discussion: """
            Writes ca.pem, which every agent and server is given, and ca-key.pem, which stays where certificates are issued. \
            Both can be read by their owner only. An authority that is there is never overwritten.

            EXAMPLES
              fluidity cert init --out certs
              fluidity cert init --out certs --name "Example tunnel" --days 1825
            """)

    @Option(help: ArgumentHelp("Where to write ca.pem and ca-key.pem.", valueName: "directory"), completion: .directory)
    var out: String

    @Option(help: "The authority's name.")
    var name = "Fluidity private CA"

    @Option(help: "How many days it is valid.")
    var days = 3650

    func run() throws {
        try CertificateCommand.reporting {
            let directory = CertificateDirectory(path: out)
            let authority = try CertificateAuthority(name: name, days: days)
            try directory.save(authority)
            let name = CertificateDirectory.authorityName
            let end = CertificateReport.date(authority.certificate.notValidAfter)
            print("\(directory.certificate(name).relativePath): valid until \(end)")
            print("\(directory.key(name).relativePath): keep it where certificates are issued, and nowhere else")
        }
    }
}
