import ArgumentParser

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
            """)

    @Argument(help: "PEM files with certificates.", completion: .file(extensions: ["pem", "crt"]))
    var files: [String]

    func run() throws {
        try CertificateCommand.reporting {
            var isFirst = true
            for file in files {
                let text = try PrivateFile.read(URL(fileURLWithPath: file))
                do throws(CertificateCommandError) {
                    for report in try CertificateReport.all(pem: text) {
                        if !isFirst { print() }
                        isFirst = false
                        print("file:        \(file)")
                        print(report, terminator: "")
                    }
                } catch {
                    throw CertificateCommandError(error.code, "\(file) \(error.message)")
                }
            }
        }
    }
}
