import ConfigurationLanguage
import NIOCore
import Platform
import Testing

@testable import TunnelStages

@Suite struct ProxyHandshakeTests {
    private static let anna = "http://anna:secret@proxy.example:3128"

    private func handshake(_ url: String = "http://proxy.example:3128", shows: Bool = true) throws -> ProxyHandshake {
        ProxyHandshake(
            proxy: try ProxyAddress(url: url), server: HostPort(host: "server.example", port: 8443), showsCredentials: shows)
    }

    @Test func `The request`() throws {
        let plain =
            "CONNECT server.example:8443 HTTP/1.1\r\nHost: server.example:8443\r\nUser-Agent: fluidity/\(ProgramVersion.number)\r\n"
        #expect(String(buffer: try handshake().request) == plain + "\r\n")
        #expect(
            String(buffer: try handshake(Self.anna).request) == plain + "Proxy-Authorization: Basic YW5uYTpzZWNyZXQ=\r\n\r\n")
        #expect(String(buffer: try handshake(Self.anna, shows: false).request) == plain + "\r\n")
    }

    /// What comes behind a proxy's head belongs to the server, wherever the reads are split.
    @Test func `Split at every byte`() throws {
        let head = "HTTP/1.1 103 Early\r\n\r\nHTTP/1.0 200 Connection established\r\nVia: 1.1 proxy\r\nContent-Length: 7\r\n\r\n"
        let all = Array((head + "hello").utf8)
        for split in 0...all.count {
            var handshake = try handshake()
            var rest = ByteBuffer()
            var isOpen = false
            for part in [all[..<split], all[split...]] {
                var bytes = ByteBuffer(bytes: part)
                guard !isOpen else {
                    rest.writeBuffer(&bytes)
                    continue
                }
                if case .open(var first) = handshake.receive(bytes, time: 0) {
                    isOpen = true
                    rest.writeBuffer(&first)
                }
            }
            #expect(isOpen && String(buffer: rest) == "hello", "split at \(split)")
        }
    }

    /// The status with its fields, whether the proxy was shown credentials, and what comes of it.
    @Test(
        arguments: [
            ("407 No\r\nProxy-Authenticate: Basic realm=\"x\"", nil, .credentials, "wants a user and a password (407)"),
            ("407 No", nil, .credentials, "wants a user and a password (407)"),
            ("407 No", true, .credentials, "refuses the user or the password (407)"),
            ("401 No\r\nWWW-Authenticate: Basic realm=x", true, .credentials, "refuses the user or the password (401)"),
            ("407 No\r\nProxy-Authenticate: NTLM", nil, .scheme, "wants NTLM (407), which isn't spoken here: only Basic is"),
            (
                "407 No\r\nProxy-Authenticate: NTLM\r\nProxy-Authenticate: Negotiate", true, .scheme,
                "wants NTLM or Negotiate (407), which isn't spoken here: only Basic is"
            ),
            (
                "401 No\r\nWWW-Authenticate: Digest nonce=1", true, .scheme,
                "wants Digest (401), which isn't spoken here: only Basic is"
            ),
            ("407 No\r\nProxy-Authenticate: NTLM", false, .scheme, "wants NTLM (407), which isn't spoken here: only Basic is"),
            ("407 No\r\nProxy-Authenticate: NTLM, Basic realm=x", false, .takesBasic, "takes a user and a password now (407)"),
            ("403 No", true, .server, "doesn't allow connections to server.example:8443 (403)"),
            ("404 No", nil, .server, "answered 404"),
            ("405 No", nil, .server, "makes no connections with CONNECT (405)"),
            ("418 No", nil, .server, "answered 418"),
            ("408 No", nil, .passing(after: nil), "wants to be asked later (408)"),
            ("429 No\r\nRetry-After: 17", nil, .passing(after: .seconds(17)), "wants to be asked later (429)"),
            (
                "503 No\r\nRetry-After: Thu, 01 Jan 1970 00:16:50 GMT", nil, .passing(after: .seconds(10)),
                "can't reach server.example:8443 (503)"
            ),
            (
                "503 No\r\nRetry-After: Thu, 01 Jan 1970 00:00:00 GMT", nil, .passing(after: nil),
                "can't reach server.example:8443 (503)"
            ),
            ("503 No\r\nRetry-After: soon", nil, .passing(after: nil), "can't reach server.example:8443 (503)"),
            ("501 No", nil, .passing(after: nil), "makes no connections with CONNECT (501)"),
            ("302 No", nil, .passing(after: nil), "answered 302"),
        ] as [(String, Bool?, ProxyRefusal.Kind, String)])
    func `Refusals`(answer: String, shows: Bool?, kind: ProxyRefusal.Kind, words: String) throws {
        var handshake = try shows.map { try self.handshake(Self.anna, shows: $0) } ?? self.handshake()
        let bytes = ByteBuffer(string: "HTTP/1.1 \(answer)\r\nContent-Length: 0\r\n\r\n")
        #expect(
            handshake.receive(bytes, time: 1_000)
                == .refused(ProxyRefusal(kind, "the proxy proxy.example:3128 \(words) and says \"No\"")))
    }

    /// A page belongs to a refusal as far as it comes and is allowed to.
    @Test func `A page split at every byte, cut off, or without end`() throws {
        let answer = "HTTP/1.1 403 Policy\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n"
        let all = Array((answer + "e\r\n<p>not allowed\r\n0\r\n\r\n").utf8)
        let expected = "the proxy proxy.example:3128 doesn't allow connections to server.example:8443 (403) and says \"Policy"
        for split in 0...all.count {
            var handshake = try handshake()
            var outcome = handshake.receive(ByteBuffer(bytes: all[..<split]), time: 0)
            if outcome == .more { outcome = handshake.receive(ByteBuffer(bytes: all[split...]), time: 0) }
            #expect(outcome == .refused(ProxyRefusal(.server, expected + ": not allowed\"")), "split at \(split)")
            var ended = try self.handshake()
            _ = ended.receive(ByteBuffer(bytes: all[..<split]), time: 0)
            #expect(ended.isRefused == (split >= answer.utf8.count))
            #expect((ended.finish(time: 0)?.reason.hasPrefix(expected) ?? false) == ended.isRefused)
        }
        var endless = try handshake()
        _ = endless.receive(ByteBuffer(string: "HTTP/1.1 403 Policy\r\nContent-Length: 1000000000\r\n\r\n"), time: 0)
        var pieces = 0
        var outcome = ProxyHandshake.Outcome.more
        while outcome == .more, pieces < 100 {
            outcome = endless.receive(ByteBuffer(repeating: 0x78, count: 1_000), time: 0)
            pieces += 1
        }
        #expect(pieces == 17)
        #expect(outcome == .refused(ProxyRefusal(.server, expected + ": \(String(repeating: "x", count: 200))…\"")))
    }

    @Test func `Nonsense`() throws {
        var nonsense = try handshake()
        guard case .refused(let refusal) = nonsense.receive(ByteBuffer(string: "SSH-2.0-OpenSSH\r\n"), time: 0) else {
            Issue.record("nonsense was accepted")
            return
        }
        #expect(refusal.kind == .passing(after: nil))
        #expect(refusal.reason.hasPrefix("the proxy proxy.example:3128 sent no valid HTTP"))
    }
}
