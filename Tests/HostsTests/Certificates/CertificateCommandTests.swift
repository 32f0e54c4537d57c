import ArgumentParser
import Foundation
import Testing

@testable import CommandLineInterface

@Suite struct CertificateCommandTests {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    /// Runs `fluidity cert` with arguments and returns its exit status.
    private func run(_ arguments: String...) -> Int32 { run(arguments) }

    private func run(_ arguments: [String]) -> Int32 {
        do {
            var command = try CertificateCommand.parseAsRoot(arguments)
            try command.run()
            return 0
        } catch {
            return CertificateCommand.exitCode(for: error).rawValue
        }
    }

    private func text(_ name: String) throws -> String {
        try String(contentsOf: directory.url.appendingPathComponent(name), encoding: .utf8)
    }

    @Test func filesAreForTheirOwnerOnly() throws {
        #expect(run("init", "--out", directory.path + "/new") == 0)
        #expect(
            run("issue", "--ca", directory.path + "/new", "--server", "server", "--dns", "localhost", "--out", directory.path)
                == 0)
        #expect(run("issue", "--ca", directory.path + "/new", "--client", "client", "--out", directory.path) == 0)
        #expect(try directory.files == ["client-key.pem", "client.pem", "new", "server-key.pem", "server.pem"])
        for name in ["new/ca.pem", "new/ca-key.pem", "server.pem", "server-key.pem", "client.pem", "client-key.pem"] {
            #expect(try directory.mode(of: name) == 0o600, "\(name)")
        }
        #expect(try directory.mode(of: "new") == 0o700)
        #expect(run("show", directory.path + "/new/ca.pem", directory.path + "/server.pem") == 0)
    }

    @Test(arguments: ["ca.pem", "ca-key.pem"])
    func authorityIsNeverOverwritten(existing: String) throws {
        try Data("precious".utf8).write(to: directory.url.appendingPathComponent(existing))
        #expect(run("init", "--out", directory.path) == 73)
        #expect(try directory.files == [existing], "nothing else is left behind")
        #expect(try text(existing) == "precious")
    }

    @Test func secondAuthorityLeavesTheFirst() throws {
        #expect(run("init", "--out", directory.path) == 0)
        let before = try (text("ca.pem"), text("ca-key.pem"))
        #expect(run("init", "--out", directory.path) == 73)
        #expect(try (text("ca.pem"), text("ca-key.pem")) == before)
    }

    @Test func certificateIsReplacedOnRequestOnly() throws {
        #expect(run("init", "--out", directory.path) == 0)
        let issue = ["issue", "--ca", directory.path, "--client", "laptop", "--out", directory.path]
        #expect(run(issue) == 0)
        let before = try (text("laptop.pem"), text("laptop-key.pem"))
        #expect(run(issue) == 73)
        #expect(try (text("laptop.pem"), text("laptop-key.pem")) == before)
        #expect(run(issue + ["--replace"]) == 0)
        #expect(try text("laptop.pem") != before.0)
        #expect(try text("laptop-key.pem") != before.1)
        #expect(try directory.mode(of: "laptop-key.pem") == 0o600)
        #expect(try directory.files == ["ca-key.pem", "ca.pem", "laptop-key.pem", "laptop.pem"])
    }

    @Test(arguments: ["ca", "CA", "../x", "a/b", "", ".hidden", "-x", "a b"])
    func namesThatLeadElsewhereAreRefused(name: String) throws {
        #expect(run("init", "--out", directory.path) == 0)
        #expect(run("issue", "--ca", directory.path, "--client", "--out", directory.path, "--", name) == 64)
        #expect(try directory.files == ["ca-key.pem", "ca.pem"])
    }

    @Test func statusesTellFailuresApart() throws {
        #expect(run("init") == 64)
        #expect(run("issue", "--ca", directory.path, "--client", "x", "--out", directory.path) == 66, "no authority")
        #expect(run("show", directory.path + "/missing.pem") == 66)
        try Data("text".utf8).write(to: directory.url.appendingPathComponent("text.pem"))
        #expect(run("show", directory.path + "/text.pem") == 65)
        #expect(run("init", "--out", directory.path + "/text.pem") == 73)
        #expect(run("init", "--out", directory.path, "--days", "0") == 64)
        #expect(run("init", "--out", directory.path) == 0)
        #expect(run("issue", "--ca", directory.path, "--server", "x", "--ip", "127.0.0.1", "--out", directory.path) == 64)
        #expect(run("issue", "--ca", directory.path, "x", "--out", directory.path) == 64)
    }

    @Test func helpHasExamples() {
        for command in [
            CertificateCommand.helpMessage(), CertificateCommand.helpMessage(for: CertificateInitCommand.self),
            CertificateCommand.helpMessage(for: CertificateIssueCommand.self),
            CertificateCommand.helpMessage(for: CertificateShowCommand.self),
        ] {
            #expect(command.contains("EXAMPLES"))
        }
    }
}
