import HTTPMessages
import NIOCore

/// What a proxy answers to one CONNECT, as far as it has come: the head, and of a page to a refusal what is shown of it.
struct ProxyAnswer: Sendable {
    /// How far it has come.
    enum Progress: Equatable {
        /// More bytes are needed.
        case more
        /// The head of a refusal.
        case refusal(HTTP1ResponseHead)
        /// From here the bytes are the server's, these first.
        case open(HTTP1ResponseHead, ByteBuffer)
        /// All of it, or enough.
        case end
        /// No HTTP.
        case nonsense(String)
    }

    /// How much of a page is kept for people, and how much is read on a connection that is to be used again, in bytes.
    private static let pageLimit = 16 << 10
    private static let skipLimit = 256 << 10

    private var parser = HTTP1ResponseParser()
    private(set) var head: HTTP1ResponseHead?
    private(set) var page = ByteBuffer()
    private var skipped = 0
    /// The page goes on beyond what is kept: the connection is read no further.
    private(set) var isCutOff = false
    private(set) var hasBegun = false

    init() { parser.expectResponse(to: "CONNECT") }

    /// Takes what the proxy sends.
    mutating func append(_ bytes: ByteBuffer) {
        hasBegun = hasBegun || bytes.readableBytes > 0
        parser.append(bytes)
    }

    /// - Parameter skips: Whether the page is of no interest but for its end.
    mutating func next(skips: Bool) -> Progress {
        do {
            while let part = try parser.next() {
                switch part {
                case .head(let head):
                    if head.isInformational { continue }
                    if (200..<300).contains(head.status) { return .open(head, parser.takeRest()) }
                    self.head = head
                    return .refusal(head)
                case .body(let bytes):
                    skipped += bytes.readableBytes
                    let room = min(bytes.readableBytes, Self.pageLimit - page.readableBytes)
                    page.writeImmutableBuffer(bytes.getSlice(at: bytes.readerIndex, length: room) ?? ByteBuffer())
                    guard skips ? skipped >= Self.skipLimit : page.readableBytes >= Self.pageLimit else { continue }
                    isCutOff = true
                    return .end
                case .end: return .end
                }
            }
            return .more
        } catch {
            return .nonsense(error.reason)
        }
    }
}
