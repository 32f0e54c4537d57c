import NIOCore
import NIOWebSocket
import Testing

@testable import TunnelStages

@Suite struct WebSocketReaderTests {
    private static func frame(
        _ opcode: WebSocketOpcode, _ payload: [UInt8] = [], isFinal: Bool = true, from sender: WebSocketSender
    ) -> [UInt8] {
        let mask: UInt32? = sender == .client ? 0x1F2E_3D4C : nil
        var bytes = ByteBuffer()
        WebSocketFrameHead(isFinal: isFinal, opcode, length: payload.count, mask: mask).write(into: &bytes)
        if let mask { WebSocketMask.apply(mask, to: ByteBuffer(bytes: payload), into: &bytes) } else { bytes.writeBytes(payload) }
        return Array(bytes.readableBytesView)
    }

    /// What comes out of bytes that come in pieces: the stream, and what else is said, in its order.
    private struct Said: Equatable {
        var stream: [UInt8] = []
        var controls: [WebSocketReader.Event] = []
        var violation: WebSocketViolation?

        init(stream: [UInt8] = [], controls: [WebSocketReader.Event] = [], violation: WebSocketViolation? = nil) {
            self.stream = stream
            self.controls = controls
            self.violation = violation
        }

        init(_ pieces: [ArraySlice<UInt8>], from sender: WebSocketSender) {
            var reader = WebSocketReader(from: sender)
            do throws(WebSocketViolation) {
                for piece in pieces {
                    reader.append(ByteBuffer(bytes: piece))
                    while let event = try reader.next() {
                        if case .data(let bytes) = event { stream += bytes.readableBytesView } else { controls.append(event) }
                    }
                }
            } catch {
                violation = error
                reader.append(ByteBuffer(bytes: [0x82, 0x80, 0, 0, 0, 0]))
                if (try? reader.next()) != nil { Issue.record("something comes behind an error") }
            }
        }
    }

    private static let long = (0..<70_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }

    /// Fragmented messages with control frames in between, empty frames, each kind of length, and the end.
    private static func conversation(_ sender: WebSocketSender) -> [UInt8] {
        frame(.binary, Array("one".utf8), from: sender)
            + frame(.binary, Array("tw".utf8), isFinal: false, from: sender)
            + frame(.ping, Array("p1".utf8), from: sender)
            + frame(.continuation, [], isFinal: false, from: sender)
            + frame(.pong, Array("unasked".utf8), from: sender)
            + frame(.continuation, Array("o".utf8), from: sender)
            + frame(.binary, [], from: sender)
            + frame(.binary, Array(long.prefix(300)), from: sender)
            + frame(.ping, [UInt8](repeating: 7, count: 125), from: sender)
            + frame(.connectionClose, [0x03, 0xE8] + Array("done".utf8), from: sender)
    }

    private static let said = Said(
        stream: Array("onetwo".utf8) + long.prefix(300),
        controls: [
            .ping(ByteBuffer(string: "p1")), .ping(ByteBuffer(repeating: 7, count: 125)), .close(code: 1000, reason: "done"),
        ])

    @Test(arguments: [WebSocketSender.client, .server])
    func splitAtEachByte(_ sender: WebSocketSender) {
        let bytes = Self.conversation(sender)
        for index in bytes.indices {
            #expect(Said([bytes[..<index], bytes[index...]], from: sender) == Self.said, "split at \(index)")
        }
        #expect(Said(bytes.indices.map { bytes[$0...$0] }, from: sender) == Self.said)
    }

    /// Nothing is gathered: what is there of a frame of any length goes on at once.
    @Test(arguments: [WebSocketSender.client, .server])
    func aFrameMayHaveAnyLength(_ sender: WebSocketSender) throws {
        var reader = WebSocketReader(from: sender)
        var head = ByteBuffer()
        WebSocketFrameHead(.binary, length: Int.max, mask: sender == .client ? 0 : nil).write(into: &head)
        reader.append(head)
        #expect(try reader.next() == nil)
        for _ in 0..<3 {
            let piece = ByteBuffer(bytes: Self.long)
            reader.append(piece)
            #expect(try reader.next() == .data(piece))
            #expect(try reader.next() == nil)
        }
    }

    /// A piece that somebody keeps isn't written over by the next.
    @Test func piecesAreTheirReaders() throws {
        var reader = WebSocketReader(from: .client)
        var kept: [ByteBuffer] = []
        for text in ["first", "second", "third"] {
            reader.append(ByteBuffer(bytes: Self.frame(.binary, Array(text.utf8), from: .client)))
            if case .data(let bytes)? = try reader.next() { kept.append(bytes) }
        }
        #expect(kept.map { String(buffer: $0) } == ["first", "second", "third"])
    }

    @Test func whatIsRefused() {
        let cases: [([UInt8], WebSocketViolation)] = [
            (Self.frame(.text, [65], from: .client), .unacceptable),
            (Self.frame(.continuation, [65], from: .client), .protocolError),
            (Self.frame(.binary, [65], isFinal: false, from: .client) + Self.frame(.binary, [66], from: .client), .protocolError),
            (Self.frame(.binary, [65], isFinal: false, from: .client) + Self.frame(.text, [66], from: .client), .protocolError),
            (Self.frame(.connectionClose, [3], from: .client), .protocolError),
            (Self.frame(.connectionClose, [0x03, 0xED], from: .client), .protocolError),
            (Self.frame(.connectionClose, [0x00, 0x01], from: .client), .protocolError),
            (Self.frame(.binary, [65], from: .server), .protocolError),
        ]
        for (bytes, violation) in cases {
            #expect(Said([bytes[...]], from: .client).violation == violation, "\(bytes)")
            #expect(Said(bytes.indices.map { bytes[$0...$0] }, from: .client).violation == violation, "\(bytes)")
        }
    }

    /// A close frame with one byte has half a code.
    @Test func aCloseWithoutACodeIsOne() {
        #expect(
            Said([Self.frame(.connectionClose, from: .client)[...]], from: .client)
                == Said(controls: [.close(code: 1005, reason: "")]))
    }

    @Test func nothingComesBehindTheEnd() throws {
        var reader = WebSocketReader(from: .client)
        reader.append(ByteBuffer(bytes: Self.frame(.connectionClose, from: .client) + Self.frame(.binary, [65], from: .client)))
        #expect(try reader.next() == .close(code: 1005, reason: ""))
        #expect(try reader.next() == nil)
        reader.append(ByteBuffer(bytes: Self.frame(.binary, [65], from: .client)))
        #expect(try reader.next() == nil)
    }

    /// Whatever comes, the reader ends it in order: by an event, an error, or waiting for more.
    @Test func anyBytesDoNoHarm() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<2_000 {
            var bytes = Self.conversation(.client)
            for _ in 0..<4 {
                bytes[Int.random(in: bytes.indices, using: &generator)] = .random(in: .min ... .max, using: &generator)
            }
            let cut = Int.random(in: bytes.indices, using: &generator)
            _ = Said([bytes[..<cut], bytes[cut...]], from: .client)
        }
    }

    /// What a writer makes comes out of a reader, in frames that no bound on messages stops.
    @Test(arguments: [WebSocketSender.client, .server], [1, 125, 126, 65_536, 65_537, 200_000])
    func aWritersFramesAreRead(_ sender: WebSocketSender, _ count: Int) throws {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 13) }
        var writer = WebSocketWriter(for: sender)
        var data = ByteBuffer(bytes: bytes)
        var wire: [UInt8] = []
        var frames = 0
        while data.readableBytes > 0 {
            let (frame, payload) = writer.next(of: &data)
            wire += Array(frame.readableBytesView) + (payload.map { Array($0.readableBytesView) } ?? [])
            frames += 1
        }
        #expect(frames == (count + WebSocketWriter.largest - 1) / WebSocketWriter.largest)
        wire += writer.control(.ping, ByteBuffer(string: "there?")).readableBytesView
        #expect(Said([wire[...]], from: sender) == Said(stream: bytes, controls: [.ping(ByteBuffer(string: "there?"))]))
    }
}
