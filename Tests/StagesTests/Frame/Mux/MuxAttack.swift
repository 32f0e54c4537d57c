import HTTPMessages
import NIOCore
import Testing
import TunnelStages

/// Something that a peer must not do, and the reason with which it is shown out.
struct MuxAttack: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let code: Failure.Code
    let role: MuxSession.Role
    let run: @Sendable (inout MuxVictim) -> Void

    init(
        _ name: String, _ code: Failure.Code, on role: MuxSession.Role = .acceptor,
        _ run: @escaping @Sendable (inout MuxVictim) -> Void
    ) {
        self.testDescription = name
        self.code = code
        self.role = role
        self.run = run
    }

    /// Against the order of things.
    static let order: [MuxAttack] = [
        MuxAttack("a second HELLO", .protocolViolation) { $0.feed(MuxWire.hello()) },
        MuxAttack("OPEN to the opener", .protocolViolation, on: .opener) { $0.feed(MuxWire.open(1)) },
        MuxAttack("HEAD to the acceptor", .protocolViolation) { $0.feed(MuxWire.open(1) + MuxWire.head(1)) },
        MuxAttack("stream 0", .protocolViolation) { $0.feed(MuxWire.open(0)) },
        MuxAttack("a stream's number again", .protocolViolation) { $0.feed(MuxWire.open(5) + MuxWire.open(5)) },
        MuxAttack("numbers going down", .protocolViolation) { $0.feed(MuxWire.open(5) + MuxWire.open(4)) },
        MuxAttack("a number too large", .protocolViolation) { $0.feed(MuxWire.open(0x8000_0000)) },
        MuxAttack("DATA on no stream", .protocolViolation) { $0.feed(MuxWire.data(1, 1)) },
        MuxAttack("TRAILERS on no stream", .protocolViolation) { $0.feed(MuxWire.trailers(1)) },
        MuxAttack("WINDOW of no stream", .protocolViolation) { $0.feed(MuxWire.window(1, 1_000)) },
        MuxAttack("RESET of no stream", .protocolViolation) { $0.feed(MuxWire.reset(1)) },
        MuxAttack("DATA after the end", .protocolViolation) { $0.feed(MuxWire.open(1, end: true) + MuxWire.data(1, 1)) },
        MuxAttack("DATA after TRAILERS", .protocolViolation) {
            $0.feed(MuxWire.open(1) + MuxWire.trailers(1) + MuxWire.data(1, 1))
        },
        MuxAttack("TRAILERS after the end", .protocolViolation) { $0.feed(MuxWire.open(1, end: true) + MuxWire.trailers(1)) },
        MuxAttack("DATA before HEAD", .protocolViolation, on: .opener) {
            $0.open()
            $0.feed(MuxWire.data(1, 1))
        },
        MuxAttack("DATA behind an informational HEAD", .protocolViolation, on: .opener) {
            $0.open()
            $0.feed(MuxWire.head(1, MuxWire.response(103)) + MuxWire.data(1, 1))
        },
        MuxAttack("TRAILERS before HEAD", .protocolViolation, on: .opener) {
            $0.open()
            $0.feed(MuxWire.trailers(1))
        },
        MuxAttack("a second HEAD", .protocolViolation, on: .opener) {
            $0.open()
            $0.feed(MuxWire.head(1) + MuxWire.head(1))
        },
    ]

    /// More than was granted.
    static let windows: [MuxAttack] = [
        MuxAttack("more streams than allowed", .excessive) { for id in 1...17 { $0.feed(MuxWire.open(UInt32(id))) } },
        MuxAttack("DATA beyond the stream's window", .flowControl) { $0.feed(MuxWire.open(1) + MuxWire.data(1, 4_097)) },
        MuxAttack("early data beyond the stream's window", .flowControl) {
            $0.feed(MuxWire.open(1, early: [UInt8](repeating: 0, count: 4_097)))
        },
        MuxAttack("DATA beyond the window after early data", .flowControl) {
            $0.feed(MuxWire.open(1, early: [UInt8](repeating: 0, count: 4_000)) + MuxWire.data(1, 97))
        },
        MuxAttack("DATA beyond the session's window", .flowControl) {
            for id in 1...9 { $0.feed(MuxWire.open(UInt32(id)) + MuxWire.data(UInt32(id), 4_096)) }
        },
        MuxAttack("DATA for an ended stream beyond the session's window", .flowControl) {
            $0.feed(MuxWire.open(1) + MuxWire.reset(1))
            for _ in 1...9 { $0.feed(MuxWire.data(1, 4_096)) }
        },
        MuxAttack("WINDOW of nothing", .flowControl) { $0.feed(MuxWire.window(0, 0)) },
        MuxAttack("WINDOW of nothing on a stream", .flowControl) { $0.feed(MuxWire.open(1) + MuxWire.window(1, 0)) },
        MuxAttack("a session's window too large", .flowControl) { $0.feed(MuxWire.window(0, 0x7FFF_FFFF)) },
        MuxAttack("a stream's window too large", .flowControl) {
            $0.feed(MuxWire.open(1) + MuxWire.window(1, 0x7FFF_FFFF))
        },
    ]

    /// Work that brings nothing.
    static let floods: [MuxAttack] = [
        MuxAttack("credit in crumbs", .excessive) { $0.flood { _ in MuxWire.window(0, 1) } },
        MuxAttack("PINGs", .excessive) { $0.flood { MuxWire.ping(UInt64($0)) } },
        MuxAttack("PONGs", .excessive) { $0.flood { _ in MuxWire.pong(0) } },
        MuxAttack("GOAWAYs", .excessive) { $0.flood { _ in MuxWire.goAway(0) } },
        MuxAttack("unknown frames", .excessive) { $0.flood { _ in MuxWire.frame(17) } },
        MuxAttack("empty DATA", .excessive) {
            $0.feed(MuxWire.open(1))
            $0.flood { _ in MuxWire.data(1, 0) }
        },
        MuxAttack("streams opened and reset", .excessive) { $0.flood { MuxWire.open($0 + 1) + MuxWire.reset($0 + 1) } },
        MuxAttack("frames for a stream that is over", .excessive) {
            $0.feed(MuxWire.open(1) + MuxWire.reset(1))
            $0.flood { _ in MuxWire.window(1, 10_000) }
        },
        MuxAttack("crumbs of data for a stream that is over", .excessive) {
            $0.feed(MuxWire.open(1) + MuxWire.reset(1))
            $0.flood { _ in MuxWire.data(1, 1) }
        },
        MuxAttack("trailers for a stream that is over", .excessive) {
            $0.feed(MuxWire.open(1) + MuxWire.reset(1))
            $0.flood { _ in MuxWire.trailers(1) }
        },
        MuxAttack("streams beyond the memory for heads", .excessive) {
            let head = MuxWire.request([("X", String(repeating: "x", count: 9_000))])
            $0.flood { MuxWire.open($0 + 1, head) }
        },
        MuxAttack("PINGs over time, whose answers are never read", .excessive) {
            for round in 0..<10_000 where $0.failure == nil {
                $0.now = $0.now + TimeAmount.milliseconds(10)
                $0.feed(MuxWire.ping(UInt64(round)))
            }
        },
    ]

    /// Heads that would do harm where they are written next.
    static let heads: [MuxAttack] =
        [
            ("CR LF in the path", MuxWire.request(path: "/ HTTP/1.1\r\nX: y")),
            ("a space in the path", MuxWire.request(path: "/a b")),
            ("a path without a slash", MuxWire.request(path: "a")),
            ("CR LF in the authority", MuxWire.request(authority: "a\r\nb")),
            ("user information", MuxWire.request(authority: "u@a.test")),
            ("no authority", MuxWire.request(authority: "")),
            ("a method that is no token", MuxWire.request(method: "G T")),
            ("no method", MuxWire.request(method: "")),
            ("CONNECT without a port", MuxWire.request(kind: 1, scheme: 0, method: "CONNECT", path: "")),
            ("CONNECT with a path", MuxWire.request(kind: 1, scheme: 0, method: "CONNECT", authority: "a:1")),
            ("CONNECT as a plain request", MuxWire.request(method: "CONNECT", authority: "a:1")),
            ("GET as a tunnel", MuxWire.request(kind: 1, scheme: 0, authority: "a:1", path: "")),
            ("a kind that isn't known", MuxWire.request(kind: 3)),
            ("a scheme that isn't known", MuxWire.request(scheme: 3)),
            ("Transfer-Encoding", MuxWire.request([("Transfer-Encoding", "chunked")])),
            ("Content-Length", MuxWire.request([("content-length", "5")])),
            ("Host", MuxWire.request([("hOST", "b.test")])),
            ("Connection", MuxWire.request([("A", "b"), ("Connection", "close")])),
            ("Upgrade in a plain request", MuxWire.request([("Upgrade", "h2c")])),
            ("CR LF in a value", MuxWire.request([("A", "b\r\nC: d")])),
            ("a colon in a name", MuxWire.request([("A:", "b")])),
            ("a name without bytes", MuxWire.request([("", "b")])),
            ("a head cut short", Array(MuxWire.request([("A", "b")]).dropLast())),
            ("a head with a byte too many", MuxWire.request() + [0]),
            ("no head", []),
        ].map { name, head in MuxAttack("a head with \(name)", .protocolViolation) { $0.feed(MuxWire.open(1, head)) } }
        + [
            ("status 99", MuxWire.response(99)), ("CR LF", MuxWire.response(200, [("A", "b\r\n")])),
            ("Transfer-Encoding", MuxWire.response(200, [("Transfer-Encoding", "chunked")])), ("no bytes", []),
        ].map { name, head in
            MuxAttack("an answer with \(name)", .protocolViolation, on: .opener) {
                $0.open()
                $0.feed(MuxWire.head(1, head))
            }
        }
        + [
            MuxAttack("Content-Length in trailers", .protocolViolation) {
                $0.feed(MuxWire.open(1) + MuxWire.trailers(1, [("Content-Length", "1")]))
            },
            MuxAttack("a head's length beyond the frame", .protocolViolation) {
                $0.feed(MuxWire.frame(1, 1, [0xFF, 0xFF, 0xFF, 0xFF] + MuxWire.request()))
            },
        ]
}
