import ConfigurationLanguage
import HTTPMessages
import NIOCore
import Testing
import TunnelStages

@Suite struct SOCKSNegotiationTests {
    private static let greeting: [UInt8] = [5, 1, 0]
    private static let withPassword: [UInt8] = [5, 2, 0, 2]
    private static let user: [UInt8] = [1, 4] + Array("anna".utf8) + [6] + Array("secret".utf8)

    private static func request(_ command: UInt8, _ address: [UInt8], port: UInt16 = 443) -> [UInt8] {
        [5, command, 0] + address + [UInt8(port >> 8), UInt8(truncatingIfNeeded: port)]
    }

    private static func name(_ text: String) -> [UInt8] { [3, UInt8(text.utf8.count)] + Array(text.utf8) }

    struct Outcome: Equatable {
        var sent: [UInt8] = []
        var authority: Authority?
        var user: SOCKSNegotiation.User?
        var rest: [UInt8] = []
        var isRefused = false
    }

    private func run(_ parts: [ArraySlice<UInt8>], _ rule: SOCKSNegotiation.Authentication) -> Outcome {
        var negotiation = SOCKSNegotiation(rule)
        var outcome = Outcome()
        for part in parts {
            if outcome.authority != nil {
                outcome.rest += part
                continue
            }
            negotiation.append(ByteBuffer(bytes: part))
            while let step = negotiation.next() {
                switch step {
                case .send(let bytes): outcome.sent += bytes.readableBytesView
                case .connect(let authority):
                    outcome.authority = authority
                    outcome.rest += negotiation.takeRest().readableBytesView
                case .refuse(let bytes, _):
                    outcome.sent += bytes.readableBytesView
                    outcome.isRefused = true
                }
            }
        }
        outcome.user = negotiation.user
        return outcome
    }

    /// Whatever is sent in whatever pieces, the outcome is the same.
    private func runSplit(_ bytes: [UInt8], _ rule: SOCKSNegotiation.Authentication = .optional) -> Outcome {
        let whole = run([bytes[...]], rule)
        for split in bytes.indices.dropFirst() {
            #expect(run([bytes[..<split], bytes[split...]], rule) == whole, "split at \(split)")
        }
        #expect(run(bytes.indices.map { bytes[$0...$0] }, rule) == whole, "byte by byte")
        return whole
    }

    @Test(arguments: [
        (name("example.com"), Authority(host: "example.com", port: 443)),
        ([1, 127, 0, 0, 1], Authority(host: "127.0.0.1", port: 443)),
        ([4] + [UInt8](repeating: 0, count: 15) + [1], Authority(host: "::1", port: 443)),
        (name("192.0.2.7"), Authority(host: "192.0.2.7", port: 443)),
        (name("::1"), Authority(host: "::1", port: 443)),
        (name("[2001:db8::1]"), Authority(host: "2001:db8::1", port: 443)),
        (name("a_b.xn--example-.test"), Authority(host: "a_b.xn--example-.test", port: 443)),
    ])
    func `Where to`(address: [UInt8], expected: Authority) {
        let outcome = runSplit(Self.greeting + Self.request(1, address) + Array("early".utf8))
        #expect(outcome.sent == [5, 0])
        #expect(outcome.authority == expected)
        #expect(outcome.rest == Array("early".utf8))
        #expect(outcome.user == nil)
    }

    @Test(arguments: [SOCKSNegotiation.Authentication.optional, .password])
    func `User and password`(rule: SOCKSNegotiation.Authentication) {
        let outcome = runSplit(Self.withPassword + Self.user + Self.request(1, Self.name("example.com")), rule)
        #expect(outcome.sent == [5, 2, 1, 0])
        #expect(outcome.user == SOCKSNegotiation.User(name: "anna", password: Secret("secret")))
        #expect(outcome.authority == Authority(host: "example.com", port: 443))
    }

    @Test func `The method is chosen by the rule`() {
        #expect(runSplit(Self.withPassword, .none).sent == [5, 0])
        #expect(runSplit(Self.withPassword, .optional).sent == [5, 2])
        #expect(runSplit([5, 1, 2], .optional).sent == [5, 2])
        for (methods, rule) in [([5, 1, 0], .password), ([5, 1, 2], .none), ([5, 0], .optional), ([5, 2, 1, 9], .optional)]
            as [([UInt8], SOCKSNegotiation.Authentication)]
        {
            let outcome = runSplit(methods, rule)
            #expect(outcome.isRefused && outcome.sent == [5, 0xFF], "\(methods)")
        }
    }

    @Test(
        arguments: [
            (request(2, name("example.com")), 7),
            (request(3, [1, 0, 0, 0, 0], port: 0), 7),
            (request(9, name("example.com")), 7),
            (request(1, [2, 1, 2, 3, 4]), 8),
            (request(1, name("")), 1),
            (request(1, name("two words")), 1),
            (request(1, name("example.com:80")), 1),
            (request(1, name("a\r\nb")), 1),
            (request(1, name("fe80::1%lo")), 1),
            (request(1, name("[::1%lo]")), 1),
            (request(1, name("::1:80:x")), 1),
            (request(1, name("example.com"), port: 0), 1),
            ([4, 1, 0, 1, 127, 0, 0, 1, 0, 80], 1),
        ] as [([UInt8], UInt8)])
    func `Refused requests`(request: [UInt8], reply: UInt8) {
        let outcome = run([(Self.greeting + request)[...]], .optional)
        #expect(outcome.isRefused)
        #expect(outcome.authority == nil)
        #expect(outcome.sent == [5, 0, 5, reply, 0, 1, 0, 0, 0, 0, 0, 0])
    }

    @Test func `Other protocols`() {
        #expect(run([[4, 1, 0, 80]], .optional) == Outcome(isRefused: true))
        #expect(run([Array("GET / HTTP/1.1\r\n".utf8)[...]], .optional) == Outcome(isRefused: true))
        #expect(run([(Self.withPassword + [5, 4])[...]], .optional) == Outcome(sent: [5, 2, 1, 1], isRefused: true))
        // Taken for texts, such bytes would be as good as any others of their kind.
        for bytes in [[1, 1, 0xFF, 1, 0x61], [1, 1, 0x61, 1, 0xFF]] as [[UInt8]] {
            #expect(run([(Self.withPassword + bytes)[...]], .optional) == Outcome(sent: [5, 2, 1, 1], isRefused: true))
        }
    }

    @Test(
        arguments: [
            (200, nil, 0), (403, nil, 2), (407, nil, 2), (502, nil, 4), (502, "connection_refused", 5), (502, "dns_error", 4),
            (504, nil, 4), (503, nil, 3), (400, nil, 1), (502, "http_protocol_error", 4),
        ] as [(Int, String?, UInt8)])
    func `Replies`(status: Int, error: String?, reply: UInt8) {
        var head = ResponseHead(status: status)
        if let error { head.fields.append("Proxy-Status", "other; error=dns_error, fluidity; error=\(error); details=\"x\"") }
        #expect(SOCKSReply(head).rawValue == reply)
    }
}
