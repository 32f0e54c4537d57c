import NIOCore

/// Frames of the `mux` protocol, put together byte by byte, right or wrong.
enum MuxWire {
    static func integer(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }

    /// `type` as it stands in the frame, with its flags. `length` is the payload's unless a false one is wanted.
    static func frame(_ type: UInt8, _ stream: UInt32 = 0, _ payload: [UInt8] = [], length: Int? = nil) -> [UInt8] {
        let length = UInt32(length ?? payload.count)
        return Array(integer(length).dropFirst()) + [type] + integer(stream) + payload
    }

    static func hello(stream: UInt32 = 65_536, session: UInt32 = 1 << 20, streams: UInt32 = 100) -> [UInt8] {
        frame(0, 0, Array("FLUIDITY".utf8) + integer(UInt16(1)) + integer(stream) + integer(session) + integer(streams))
    }

    static func open(_ stream: UInt32, _ head: [UInt8] = request(), early: [UInt8] = [], end: Bool = false) -> [UInt8] {
        frame(end ? 0x81 : 1, stream, integer(UInt32(head.count)) + head + early)
    }
    static func head(_ stream: UInt32, _ head: [UInt8] = response()) -> [UInt8] { frame(2, stream, head) }
    static func data(_ stream: UInt32, _ count: Int, end: Bool = false) -> [UInt8] {
        frame(end ? 0x83 : 3, stream, [UInt8](repeating: 0x78, count: count))
    }
    static func trailers(_ stream: UInt32, _ list: [(String, String)] = [("Sum", "1")]) -> [UInt8] {
        frame(4, stream, fields(list))
    }
    static func window(_ stream: UInt32, _ increment: UInt32) -> [UInt8] { frame(5, stream, integer(increment)) }
    static func reset(_ stream: UInt32, _ code: UInt16 = 1, _ text: String = "no") -> [UInt8] {
        frame(6, stream, integer(code) + Array(text.utf8))
    }
    static func ping(_ token: UInt64) -> [UInt8] { frame(7, 0, integer(token)) }
    static func pong(_ token: UInt64) -> [UInt8] { frame(8, 0, integer(token)) }
    static func goAway(_ last: UInt32, _ code: UInt16 = 7) -> [UInt8] {
        frame(9, 0, integer(last) + integer(code) + Array("bye".utf8))
    }

    /// A request's head: kind, scheme, length of the body, method, authority, path, fields.
    static func request(
        kind: UInt8 = 0, scheme: UInt8 = 1, method: String = "GET", authority: String = "a.test", path: String = "/",
        _ list: [(String, String)] = []
    ) -> [UInt8] {
        [kind, scheme, 0, UInt8(method.utf8.count)] + Array(method.utf8) + text(authority) + text(path) + fields(list)
    }

    static func response(_ status: UInt16 = 200, _ list: [(String, String)] = []) -> [UInt8] {
        integer(status) + [2] + text("OK") + fields(list)
    }

    static func fields(_ list: [(String, String)]) -> [UInt8] {
        list.reduce(integer(UInt16(list.count))) { block, field in
            let (name, value) = (Array(field.0.utf8), Array(field.1.utf8))
            return block + integer(UInt16(name.count)) + integer(UInt16(value.count)) + name + value
        }
    }

    private static func text(_ text: String) -> [UInt8] { integer(UInt16(text.utf8.count)) + Array(text.utf8) }
}
