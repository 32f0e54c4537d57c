import ArgumentParser
import TunnelStages

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// `fluidity cert show`.
struct CertificateShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show what certificates say.",
        discussion: """
            EXAMPLES
              fluidity cert show certs/server.pem
              fluidity cert show certs/*.pem

            Of a private key nothing is shown but that it is one.
            """)

    @Argument(help: "PEM files with certificates.", completion: .file(extensions: ["pem", "crt"]))
    var files: [String]

    func run() throws {
        var isFirst = true
        var status: Int32?
        for file in files {
            do throws(CertificateCommandError) {
                let reports = try CertificateReport.all(pem: PrivateFile.read(URL(fileURLWithPath: file)))
                for report in reports {
                    if !isFirst { print() }
                    isFirst = false
                    print("file:        \(file)")
                    print(report, terminator: "")
                }
            } catch {
                // The others are shown all the same.
                let message = error.code == .noInput ? error.message : "\(file) \(error.message)"
                Reporting.write("error: \(message)")
                status = status ?? error.code.exitStatus
            }
        }
        if let status { throw ExitCode(status) }
    }
}
