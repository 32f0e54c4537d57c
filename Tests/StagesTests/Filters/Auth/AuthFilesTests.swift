import ConfigurationLanguage
import Foundation
import NIOCore
import Pipeline
import Testing

@testable import Filters

/// A folder for one test.
final class AuthFolder {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("fluidity-auth-\(UUID())")

    init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(at: url) }

    /// Writes a file as careful programs do: beside it, then in its place.
    func write(_ name: String, _ text: String) throws -> FilePath {
        let file = url.appendingPathComponent(name)
        try Data(text.utf8).write(to: file, options: .atomic)
        return FilePath(file.path)
    }
}

@Suite struct WatchedFileTests {
    @Test func readsAgainWhatHasChangedAndKeepsWhatItHadWhenThatIsBad() throws {
        let folder = try AuthFolder()
        let path = try folder.write("numbers", "1")
        let file = try WatchedFile(path.path, key: "k") { text in
            guard let number = Int(text) else { throw WatchedFileProblem("is no number") }
            return number
        }
        #expect(file.value == 1)
        #expect(file.notices().isEmpty)
        _ = try folder.write("numbers", "23")
        #expect(file.notices() == [AuthNotice(message: "\(path.path) was read again", isProblem: false)])
        #expect(file.value == 23)
        _ = try folder.write("numbers", "many")
        #expect(file.notices().first?.message.hasSuffix("can't be used: is no number") == true)
        #expect(file.value == 23)
        #expect(file.notices().isEmpty, "told once")
        try FileManager.default.removeItem(atPath: path.path)
        #expect(file.notices().count == 1)
        #expect(file.notices().isEmpty)
        _ = try folder.write("numbers", "4")
        #expect(file.notices().count == 1)
        #expect(file.value == 4)
    }

    @Test func aFileThatCanNotBeReadIsAnErrorAtItsKey() throws {
        #expect { try WatchedFile("/nowhere/file", key: "users") { $0 } } throws: { ($0 as? StageError)?.key == "users" }
    }
}

@Suite struct VerifiedCredentialsTests {
    @Test func remembersForAWhileAndNoMoreThanItMay() {
        let verified = VerifiedCredentials<Int>(capacity: 10)
        let start = NIODeadline.uptimeNanoseconds(0)
        let hash = verified.hash("alice", "secret")
        #expect(verified.value(hash, now: start) == nil)
        verified.remember(hash, 1, until: start + .seconds(5), now: start)
        #expect(verified.value(verified.hash("alice", "secret"), now: start + .seconds(4)) == 1)
        #expect(verified.value(hash, now: start + .seconds(5)) == nil)
        for number in 0..<1_000 {
            verified.remember(verified.hash("\(number)"), number, until: start + .seconds(60), now: start)
        }
        #expect(verified.count == 10)
        #expect(verified.value(verified.hash("999"), now: start) == 999)
    }

    @Test func partsCountForThemselves() {
        let verified = VerifiedCredentials<Int>(capacity: 10)
        #expect(verified.hash("ab", "c") != verified.hash("a", "bc"))
        #expect(verified.hash("ab", "c") == verified.hash("ab", "c"))
        #expect(verified.hash("a") != VerifiedCredentials<Int>(capacity: 10).hash("a"), "each process has a key of its own")
    }
}

@Suite struct CertificatePatternTests {
    private static let peer = PeerIdentity(
        subject: "CN=alice,O=Example", commonName: "alice", dnsNames: ["Laptop.agents.example"],
        uris: ["spiffe://example/alice"], publicKeyHash: String(repeating: "ab", count: 32))

    @Test(arguments: [
        ("cn:alice", true), ("cn:Alice", false), ("cn:al*", true), ("subject:*,O=Example", true), ("subject:CN=alice", false),
        ("dns:*.agents.example", true), ("dns:laptop.AGENTS.example", true), ("dns:*.example.org", false),
        ("uri:spiffe://example/*", true), ("uri:spiffe://other/*", false),
        ("key:" + String(repeating: "ab", count: 32), true), ("key:" + String(repeating: "AB:", count: 31) + "AB", true),
        ("key:" + String(repeating: "cd", count: 32), false),
    ])
    func matches(_ pattern: String, _ expected: Bool) throws {
        #expect(try CertificatePattern(configured: pattern).matches(Self.peer) == expected)
    }

    @Test(arguments: ["alice", "ip:10.0.0.1", "key:abcd", "key:*", "cn:", "dns:\u{1}"])
    func refuses(_ pattern: String) {
        #expect(throws: InvalidValue.self) { try CertificatePattern(configured: pattern) }
    }

    @Test func listsHaveCommentsAndLines() throws {
        #expect(try CertificatePattern.list("# stolen\n\n  cn:bob \r\ncn:carol").count == 2)
        #expect { try CertificatePattern.list("cn:bob\nnobody") } throws: {
            "\($0)" == "line 2: it begins with what is compared, and a colon"
        }
    }
}
