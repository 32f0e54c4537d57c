import HTTPMessages
import NIOCore
import NIOEmbedded
import NIOHTTP1
import TunnelStages

/// What both swift-nio's decoder and ours say of a message: method and target or status (swift-nio replaces reasons), version, end-to-end fields, body,
/// trailers, as one string for each message.
enum Oracle {
    /// Nil if swift-nio refuses the bytes or doesn't see the last message's end.
    static func requests(_ bytes: [UInt8]) -> [String]? {
        let channel = EmbeddedChannel(
            handler: ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes)))
        var messages: [String] = []
        var hops = Hops()
        var body = ByteBuffer()
        var isOpen = false
        do {
            try channel.writeInbound(ByteBuffer(bytes: bytes))
            _ = try channel.finish(acceptAlreadyClosed: true)
            while let part = try channel.readInbound(as: HTTPServerRequestPart.self) {
                switch part {
                case .head(let head):
                    hops = Hops(head.headers, isRequest: true)
                    isOpen = true
                    messages.append("\(head.method.rawValue) \(head.uri) 1.\(head.version.minor)" + hops.describe(head.headers))
                case .body(let bytes): body.writeImmutableBuffer(bytes)
                case .end(let trailers):
                    isOpen = false
                    messages[messages.count - 1] += end(&body, hops.describe(trailers ?? [:], areTrailers: true))
                }
            }
        } catch {
            return nil
        }
        return isOpen ? nil : messages
    }

    static func responses(_ bytes: [UInt8], to methods: [String]) -> [String]? {
        let channel = EmbeddedChannel(
            handler: ByteToMessageHandler(
                HTTPResponseDecoder(leftOverBytesStrategy: .dropBytes, informationalResponseStrategy: .forward)))
        var messages: [String] = []
        var hops = Hops()
        var body = ByteBuffer()
        var isOpen = false
        do {
            for method in methods {
                let head = HTTPRequestHead(version: .http1_1, method: HTTPMethod(rawValue: method), uri: "/")
                try channel.writeOutbound(HTTPClientRequestPart.head(head))
            }
            try channel.writeInbound(ByteBuffer(bytes: bytes))
            _ = try channel.finish(acceptAlreadyClosed: true)
            while let part = try channel.readInbound(as: HTTPClientResponsePart.self) {
                switch part {
                case .head(let head):
                    hops = Hops(head.headers, isRequest: false)
                    isOpen = !(100..<200).contains(head.status.code)
                    messages.append("\(head.status.code) 1.\(head.version.minor)" + hops.describe(head.headers))
                case .body(let bytes): body.writeImmutableBuffer(bytes)
                case .end(let trailers):
                    isOpen = false
                    messages[messages.count - 1] += end(&body, hops.describe(trailers ?? [:], areTrailers: true))
                }
            }
        } catch {
            return nil
        }
        return isOpen ? nil : messages
    }

    /// The same of our parser; nil if it refuses the bytes.
    static func ours<Parser: TestedParser>(_ parser: Parser, _ bytes: [UInt8], _ line: (Parser.Head) -> String) -> [String]? {
        var parser = parser
        var messages: [String] = []
        var body = ByteBuffer()
        func take(_ part: HTTP1Part<Parser.Head>) {
            switch part {
            case .head(let head): messages.append(line(head))
            case .body(let bytes): body.writeImmutableBuffer(bytes)
            case .end(let trailers):
                messages[messages.count - 1] += end(&body, describe(trailers?.list ?? []))
            }
        }
        do throws(HTTP1Error) {
            parser.append(ByteBuffer(bytes: bytes))
            while let part = try parser.next() { take(part) }
            if let part = try parser.finish() { take(part) }
        } catch {
            return nil
        }
        return messages
    }

    static func ours(_ head: HTTP1RequestHead) -> String {
        "\(head.method) \(head.target) 1.\(head.minorVersion)" + describe(head.fields.list)
    }

    /// What a 426 requires is a field of one hop, which is made anew.
    static func ours(_ head: HTTP1ResponseHead) -> String {
        let fields = head.fields.list.filter { head.status != 426 || $0.name != "Upgrade" }
        return "\(head.status) 1.\(head.minorVersion)" + describe(fields)
    }

    static func describe(_ fields: [(name: String, value: String)]) -> String {
        fields.map { " | \($0.name): \($0.value)" }.joined()
    }

    private static func end(_ body: inout ByteBuffer, _ trailers: String) -> String {
        defer { body.clear() }
        return " || \(String(buffer: body)) ||" + trailers
    }

    /// Which fields end at a hop, written down independently of the parser.
    struct Hops {
        private var names: Set<String> = [
            "connection", "keep-alive", "te", "transfer-encoding", "upgrade", "host", "content-length",
        ]
        private var isRequest = true

        init() {}

        init(_ headers: HTTPHeaders, isRequest: Bool) {
            self.isRequest = isRequest
            for option in headers[canonicalForm: "connection"] where option.lowercased() != "expect" {
                names.insert(option.lowercased())
            }
        }

        func describe(_ headers: HTTPHeaders, areTrailers: Bool = false) -> String {
            let kept = headers.filter { name, _ in
                let name = name.lowercased()
                if names.contains(name) { return false }
                if name.hasPrefix("proxy-"), name.count > 6 {
                    if areTrailers { return name == "proxy-status" }
                    return !isRequest && !Self.proxyHops.contains(name)
                }
                return !areTrailers || !Self.notInTrailers.contains(name)
            }
            // swift-nio leaves the white space behind a value.
            return Oracle.describe(kept.map { ($0.name, String($0.value.reversed().drop { $0 == " " || $0 == "\t" }.reversed())) })
        }

        private static let proxyHops: Set<String> = [
            "proxy-connection", "proxy-authenticate", "proxy-authorization", "proxy-authentication-info",
        ]

        private static let notInTrailers: Set<String> = [
            "authorization", "cache-control", "content-encoding", "content-range", "content-type", "expect", "max-forwards",
            "range",
            "set-cookie", "trailer",
        ]
    }
}
