import ConfigurationLanguage
import Testing

@testable import TunnelStages

@Suite struct InvitationLineTests {
    private let line = InvitationLine(
        name: "laptop", server: HostPort(host: "tunnel.example.org", port: 8443), authority: (0..<32).map { UInt8($0) })

    @Test func `A line is read as it was written`() {
        #expect(InvitationLine(line.text) == line)
        #expect(InvitationLine("  \(line.text)\r\n") == line)
    }

    @Test func `Addresses, and names with all that they may have`() {
        for server in [HostPort(host: "192.0.2.1", port: 1), HostPort(host: "2001:db8::1", port: 65_535)] {
            let line = InvitationLine(name: "a_b.c@d-e", server: server, authority: line.authority)
            #expect(InvitationLine(line.text) == line)
        }
    }

    @Test func `No two lines have one code`() {
        let other = InvitationLine(name: line.name, server: line.server, authority: line.authority)
        #expect(other.code != line.code && other.codeHash != line.codeHash)
        #expect(line.code.count == 16 && line.codeHash.count == 64)
    }

    @Test func `A letter that is lost or another is noticed`() {
        let text = line.text
        for index in text.indices.dropFirst(16) {
            var cut = text
            cut.remove(at: index)
            #expect(InvitationLine(cut) == nil)
            var changed = text
            changed.replaceSubrange(index...index, with: text[index] == "A" ? "B" : "A")
            // The last letter may have bits that say nothing.
            #expect(InvitationLine(changed) == nil || InvitationLine(changed) == line)
        }
    }

    @Test(arguments: ["", "laptop", "fluidity-join-1.", "fluidity-join-2.AAAA", "fluidity-join-1.!!!!", "https://example.com/"])
    func `What is no line`(text: String) { #expect(InvitationLine(text) == nil) }
}
