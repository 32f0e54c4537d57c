import HTTPMessages
import NIOCore
import Pipeline
import Platform

/// Asks for a WebSocket, and reads what is said to that (RFC 6455, 4.1). A value.
struct WebSocketOpening {
    /// Whom it is asked of, and how.
    struct Request: Equatable {
        /// The request target, with its query if there is one.
        var path: String
        /// The Host field, with the port unless that goes without saying.
        var host: String
        /// Further fields.
        var fields = HeaderFields()
    }

    /// Why there is no WebSocket.
    struct Refusal: Equatable {
        /// A sentence without its full stop.
        var sentence: String
        /// It will be so at the next attempt, until somebody changes something.
        var isMismatch: Bool
    }

    /// How far it has come.
    enum Outcome: Equatable {
        /// More bytes are needed.
        case more
        /// From here the bytes are frames, these first.
        case open(ByteBuffer)
        case refused(Refusal)
    }

    /// How much of a page is read, in bytes, and how much of it is shown, in characters.
    private static let pageLimit = 16 << 10
    private static let textLimit = 200

    private let wanted: Request
    private let key: String
    private var parser = HTTP1ResponseParser()
    private var refusing: HTTP1ResponseHead?
    private var page = ByteBuffer()

    /// An opening of which nothing is sent yet.
    ///
    /// - Parameter key: 16 random bytes in Base64.
    init(_ wanted: Request, key: String = WebSocketHandshake.makeKey()) {
        self.wanted = wanted
        self.key = key
        parser.expectResponse(to: "GET", upgrade: true)
    }

    /// The request's head.
    var request: ByteBuffer {
        var head = "GET \(wanted.path) HTTP/1.1\r\nHost: \(wanted.host)\r\n"
        if !wanted.fields.contains("User-Agent") { head += "User-Agent: \(ProgramVersion.userAgent)\r\n" }
        head += "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: \(key)\r\nSec-WebSocket-Version: 13\r\n"
        for field in wanted.fields.list { head += "\(field.name): \(field.value)\r\n" }
        return ByteBuffer(string: head + "\r\n")
    }

    /// It was refused; what is said to that may still be on its way.
    var isRefused: Bool { refusing != nil }

    /// Takes what has come.
    mutating func receive(_ bytes: ByteBuffer) -> Outcome {
        parser.append(bytes)
        do {
            while let part = try parser.next() {
                switch part {
                case .head(let head):
                    if head.isInformational { continue }
                    if head.status == 101 { return opened(head) }
                    refusing = head
                case .body(let bytes):
                    let count = min(bytes.readableBytes, Self.pageLimit - page.readableBytes)
                    page.writeImmutableBuffer(bytes.getSlice(at: bytes.readerIndex, length: count) ?? ByteBuffer())
                case .end: return finish().map { .refused($0) } ?? .more
                }
                if page.readableBytes >= Self.pageLimit { return finish().map { .refused($0) } ?? .more }
            }
            return .more
        } catch {
            // What came before says enough.
            return .refused(finish() ?? Refusal(sentence: "\(place) sends no valid HTTP: \(error.reason)", isMismatch: true))
        }
    }

    /// Nothing more comes, or is waited for: the refusal, if one has begun.
    mutating func finish() -> Refusal? {
        guard let head = refusing else { return nil }
        let (what, isMismatch) = explain(head)
        let said = PageText.line(page, head.fields, limit: Self.textLimit)
        return Refusal(
            sentence: "\(place) \(what)" + (said.isEmpty ? "" : "; it says \"\(said)\""), isMismatch: isMismatch)
    }

    /// Who answers, for sentences.
    private var place: String { "what answers for '\(wanted.path)' at \(wanted.host)" }

    private mutating func opened(_ head: HTTP1ResponseHead) -> Outcome {
        let protocols = head.fields["Sec-WebSocket-Protocol"]
        let isAsWanted =
            ProtocolChange.isAmong(["websocket"], head.upgrade)
            && head.fields["Sec-WebSocket-Accept"] == [WebSocketHandshake.accept(for: key)]
        guard isAsWanted else {
            return .refused(
                Refusal(sentence: "\(place) agrees to a WebSocket and doesn't know what that is (101)", isMismatch: true))
        }
        guard !head.fields.contains("Sec-WebSocket-Extensions"),
            protocols.allSatisfy({ wanted.fields.contains("Sec-WebSocket-Protocol") && !$0.isEmpty })
        else {
            return .refused(
                Refusal(sentence: "\(place) agrees to a protocol or an extension that nobody asked for (101)", isMismatch: true))
        }
        return .open(parser.takeRest())
    }

    private func explain(_ head: HTTP1ResponseHead) -> (String, isMismatch: Bool) {
        let status = head.status
        let upgrade = "every reverse proxy on the way has to pass 'Upgrade' on, in HTTP/1.1"
        switch status {
        case 200..<300:
            return (
                "has a page and no WebSocket (\(status)): 'path' has to be the one of the server's 'websocket', and \(upgrade)",
                true
            )
        case 300..<400:
            let location = head.fields.first("Location").map { ", to \(ForeignText.line($0, limit: 100))" } ?? ""
            return (
                "leads elsewhere (\(status)\(location)): 'host' or 'path' is another there, or somebody wants a login first", true
            )
        case 400:
            return (
                "takes no such request (400): it has no WebSocket there, or wants TLS, which 'tls' behind 'websocket' speaks", true
            )
        case 401, 403, 407: return ("doesn't let this side in (\(status)); 'fields' can have what it wants to see", true)
        case 404: return ("has no WebSocket (404): 'path' has to be the one of the server's 'websocket', and \(upgrade)", true)
        case 408, 425, 429: return ("wants to be asked later (\(status))", false)
        case 421: return ("isn't there for that name (421): 'host' has to be one that it serves", true)
        case 426: return ("wants another protocol (426): \(upgrade)", true)
        case 400..<500: return ("answers \(status)", true)
        case 501: return ("knows no WebSockets (501)", true)
        case 502, 503, 504: return ("can't reach the server behind it (\(status))", false)
        default: return ("answers \(status)", false)
        }
    }
}
