import NIOCore
import Pipeline
import Stages
import Testing

@Suite struct ProxyHandshakeTests {
    private func handshake(_ url: String = "http://proxy.example:3128") throws -> ProxyHandshake {
        ProxyHandshake(proxy: try ProxyAddress(url: url), server: HostPort(host: "server.example", port: 8443))
    }

    @Test func `The request`() throws {
        #expect(
            String(buffer: try handshake().request)
                == "CONNECT server.example:8443 HTTP/1.1\r\nHost: server.example:8443\r\n\r\n")
        #expect(
            String(buffer: try handshake("http://anna:secret@proxy.example:3128").request)
                == "CONNECT server.example:8443 HTTP/1.1\r\nHost: server.example:8443\r\n"
                + "Proxy-Authorization: Basic YW5uYTpzZWNyZXQ=\r\n\r\n")
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
                if case .open(var first) = handshake.receive(bytes) {
                    isOpen = true
                    rest.writeBuffer(&first)
                }
            }
            #expect(isOpen && String(buffer: rest) == "hello", "split at \(split)")
        }
    }

    @Test(arguments: [
        ("407", "the proxy proxy.example:3128 wants a user and a password (407)"),
        ("403", "the proxy proxy.example:3128 doesn't allow connections to server.example:8443 (403)"),
        ("405", "the proxy proxy.example:3128 makes no connections with CONNECT (405)"),
        ("503", "the proxy proxy.example:3128 can't reach server.example:8443 (503)"),
        ("302", "the proxy proxy.example:3128 answered 302"),
    ])
    func `Refusals`(status: String, expected: String) throws {
        var handshake = try handshake()
        let answer = ByteBuffer(
            string: "HTTP/1.1 \(status) No\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n")
        #expect(handshake.receive(answer) == .refused(expected))
    }

    @Test func `Refused credentials and nonsense`() throws {
        var refused = try handshake("http://anna:secret@proxy.example:3128")
        #expect(
            refused.receive(ByteBuffer(string: "HTTP/1.1 407 No\r\n\r\n"))
                == .refused("the proxy proxy.example:3128 refuses the user or the password (407)"))
        var other = try handshake("http://anna:secret@proxy.example:3128")
        #expect(
            other.receive(ByteBuffer(string: "HTTP/1.1 401 No\r\n\r\n"))
                == .refused("the proxy proxy.example:3128 refuses the user or the password (401)"))
        var nonsense = try handshake()
        guard case .refused(let reason) = nonsense.receive(ByteBuffer(string: "SSH-2.0-OpenSSH\r\n")) else {
            Issue.record("nonsense was accepted")
            return
        }
        #expect(reason.hasPrefix("the proxy proxy.example:3128 sent no valid HTTP"))
    }
}
