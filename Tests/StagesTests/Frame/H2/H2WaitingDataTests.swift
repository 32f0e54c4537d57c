import NIOCore
import Testing

@testable import TunnelStages

/// The bodies of streams that aren't read, in front of the library.
@Suite struct H2WaitingDataTests {
    /// What a receiver makes of frames: bodies by stream, everything else in order, and what windows count.
    private struct Received: Equatable {
        var bodies: [UInt32: [UInt8]] = [:]
        var ended: Set<UInt32> = []
        var counted: [UInt32: Int] = [:]
        var others: [H2Wire.Frame] = []

        init(_ bytes: [UInt8]) {
            for frame in H2Wire.frames(ByteBuffer(bytes: bytes)) {
                guard frame.type == H2Wire.data else {
                    others.append(frame)
                    continue
                }
                var payload = frame.payload
                counted[frame.stream, default: 0] += payload.readableBytes
                if frame.flags & 8 != 0, let padding = payload.readInteger(as: UInt8.self) {
                    payload = payload.readSlice(length: payload.readableBytes - Int(padding)) ?? ByteBuffer()
                }
                bodies[frame.stream, default: []] += Array(buffer: payload)
                if frame.flags & 1 != 0 { ended.insert(frame.stream) }
            }
        }
    }

    private func next(_ data: inout H2WaitingData) -> [UInt8] {
        var passed: [UInt8] = []
        while let part = data.next() { passed += Array(buffer: part) }
        return passed
    }

    private func passed(_ bytes: [UInt8], by data: inout H2WaitingData) -> [UInt8] {
        data.add(ByteBuffer(bytes: bytes))
        return next(&data)
    }

    private func make() -> H2WaitingData { H2WaitingData(preface: 0, window: 65_535, connectionWindow: 1 << 20) }

    private func padded(_ stream: UInt32, _ text: String, _ padding: UInt8, end: Bool = false) -> [UInt8] {
        H2Wire.frame(
            H2Wire.data, stream, flags: end ? 9 : 8,
            [padding] + Array(text.utf8) + [UInt8](repeating: 0, count: Int(padding)))
    }

    @Test func `What is read goes on as it came, split anywhere`() {
        let bytes =
            H2Wire.announce([(1, 2)]) + H2Wire.ok(1) + H2Wire.data(1, "text") + padded(3, "abc", 5) + H2Wire.data(1, "", end: true)
            + padded(3, "", 2, end: true) + H2Wire.reset(5, 8)
        let whole = Array(H2Wire.preface.utf8) + bytes
        for split in 0...whole.count {
            var data = H2WaitingData(preface: 24, window: 65_535, connectionWindow: 1 << 20)
            let all = passed(Array(whole[..<split]), by: &data) + passed(Array(whole[split...]), by: &data)
            #expect(all.prefix(24) == whole.prefix(24))
            #expect(Received(Array(all.dropFirst(24))) == Received(bytes))
        }
        var data = make()
        #expect(passed(bytes, by: &data) == bytes, "whole frames aren't touched")
        #expect(Received(bytes.flatMap { passed([$0], by: &data) }) == Received(bytes))
    }

    @Test func `A stream that isn't read waits, and others go on`() {
        var data = make()
        data.pause(1)
        let mixed = H2Wire.data(1, "a") + H2Wire.data(3, "x") + H2Wire.data(1, "b") + H2Wire.data(3, "y", end: true)
        #expect(passed(mixed, by: &data) == H2Wire.data(3, "x") + H2Wire.data(3, "y", end: true))
        #expect(passed(H2Wire.data(1, "c"), by: &data) == [])
        #expect(data.resume(1) == true)
        #expect(next(&data) == H2Wire.data(1, "abc"), "in one frame")
        let isWaiting = data.resume(1)
        #expect(!isWaiting)
    }

    @Test func `A stream that is paused by a frame keeps the next, of the same read too`() {
        var data = make()
        data.add(ByteBuffer(bytes: H2Wire.data(1, "a") + H2Wire.data(1, "b") + H2Wire.data(3, "x")))
        let first = data.next()
        #expect(first.map { Array(buffer: $0) } == H2Wire.data(1, "a"))
        data.pause(1)
        #expect(next(&data) == H2Wire.data(3, "x"))
    }

    @Test func `A stream may be paused in the middle of a frame`() {
        var data = make()
        let frame = H2Wire.data(1, "abcdef")
        #expect(passed(Array(frame[..<12]), by: &data) == H2Wire.data(1, "abc"))
        data.pause(1)
        #expect(passed(Array(frame[12...]), by: &data) == [])
        #expect(data.resume(1) == true)
        #expect(next(&data) == H2Wire.data(1, "def"))
    }

    @Test func `One that is read again and paused at once still waits`() {
        var data = make()
        data.pause(1)
        #expect(passed(H2Wire.data(1, "a"), by: &data) == [])
        #expect(data.resume(1) == true)
        data.pause(1)
        #expect(next(&data) == [])
        #expect(data.resume(1) == true)
        #expect(next(&data) == H2Wire.data(1, "a"))
    }

    @Test(arguments: ["", "b"])
    func `The library hears of the end, and of all that waits`(_ last: String) {
        var data = make()
        data.pause(1)
        #expect(passed(H2Wire.data(1, "a"), by: &data) == [])
        #expect(passed(H2Wire.data(1, last, end: true), by: &data) == H2Wire.data(1, "a" + last, end: true))
    }

    @Test func `The bit that says nothing doesn't make another stream`() {
        var data = make()
        data.pause(1)
        let reserved: UInt32 = 0x8000_0001
        #expect(passed(H2Wire.data(reserved, "a") + H2Wire.data(1, "b"), by: &data) == [])
        #expect(passed(H2Wire.reset(reserved, 0), by: &data) == H2Wire.data(1, "ab") + H2Wire.reset(reserved, 0))
    }

    @Test func `Of a stream that has ended nothing goes on, and its bytes are told`() {
        var data = make()
        data.pause(1)
        #expect(passed(H2Wire.data(1, "abc") + padded(1, "d", 9), by: &data) == [])
        let told = data.forget(1)
        #expect(told == 3 + 11)
        #expect(next(&data) == [])
        let again = data.forget(1)
        #expect(again == 0)
        #expect(passed(H2Wire.data(1, "x"), by: &data) == H2Wire.data(1, "x"))
    }

    @Test(arguments: [H2Wire.ok(1, end: true), H2Wire.reset(1, 0)])
    func `Trailers and a reset stay behind the body`(_ end: [UInt8]) {
        var data = make()
        data.pause(1)
        #expect(passed(H2Wire.data(1, "a"), by: &data) == [])
        #expect(passed(H2Wire.data(3, "x") + end, by: &data) == H2Wire.data(3, "x") + H2Wire.data(1, "a") + end)
    }

    @Test func `Nothing comes between the frames of a head or into one`() {
        let head = H2Wire.frame(1, 3, flags: 0, [0x88]) + H2Wire.frame(9, 3, flags: 4, [0x88])
        for split in 1..<head.count {
            var data = make()
            data.pause(1)
            #expect(passed(H2Wire.data(1, "a"), by: &data) == [])
            let front = passed(Array(head[..<split]), by: &data)
            #expect(data.resume(1) == true)
            let all = front + next(&data) + passed(Array(head[split...]), by: &data)
            #expect(Received(all) == Received(head + H2Wire.data(1, "a")), "split at \(split)")
            #expect(H2Wire.frames(ByteBuffer(bytes: all)).filter { $0.stream == 3 }.count == 2)
        }
    }

    @Test func `Windows count the padding of what waited`() {
        let frames = padded(1, "a", 255) + padded(1, "b", 0) + padded(1, "c", 77) + padded(1, "", 9, end: true)
        for split in 0...frames.count {
            var data = make()
            data.pause(1)
            let all = passed(Array(frames[..<split]), by: &data) + passed(Array(frames[split...]), by: &data)
            #expect(Received(all) == Received(frames))
            let empty = H2Wire.frames(ByteBuffer(bytes: all)).count { $0.flags & 1 == 0 && $0.payload.readableBytes == 0 }
            #expect(empty == 0)
        }
    }

    @Test func `What is beyond the window goes on, for the library to refuse`() {
        var data = make()
        data.pause(1)
        let piece = H2Wire.data(1, String(repeating: "x", count: 16_384))
        for _ in 0..<3 { #expect(passed(piece, by: &data) == []) }
        #expect(Received(passed(piece, by: &data)).counted == [1: 65_536])
        #expect(passed(H2Wire.data(1, "y"), by: &data) == [], "the stream is paused as before")
    }

    @Test func `All streams together hold no more than leaves the connection's window open`() {
        var data = make()
        let piece = String(repeating: "x", count: 16_384)
        var counted = 0
        for stream in stride(from: 1, to: 80, by: 2) as StrideTo<UInt32> {
            data.pause(stream)
            counted += Received(passed(H2Wire.data(stream, piece), by: &data)).counted.values.reduce(0, +)
        }
        #expect(counted == 40 * 16_384 - (1 << 18))
    }

    @Test func `A padding that is longer than its frame goes on as it came`() {
        let frame = H2Wire.frame(H2Wire.data, 1, flags: 8, [9, 1, 2])
        var data = make()
        data.pause(1)
        #expect(passed(frame, by: &data) == frame)
    }

    @Test func `Whatever waits goes on at the connection's end`() {
        var data = make()
        for stream in [1, 3, 5] as [UInt32] {
            data.pause(stream)
            #expect(passed(H2Wire.data(stream, "a"), by: &data) == [])
        }
        data.end()
        #expect(Received(next(&data)).bodies == [1: [0x61], 3: [0x61], 5: [0x61]])
    }

    @Test func `Any frames, pauses and splits`() {
        for seed in 1...200 as ClosedRange<UInt64> {
            var random = SeededGenerator(seed)
            var data = make()
            var sent: [UInt8] = []
            for _ in 0..<60 {
                let stream = UInt32.random(in: 0..<4, using: &random) * 2 + 1
                let text = String(
                    (0..<Int.random(in: 1...40, using: &random)).map { _ in
                        Character(UnicodeScalar(UInt8.random(in: 97...122, using: &random)))
                    })
                switch Int.random(in: 0..<8, using: &random) {
                case 0: sent += H2Wire.ok(stream)
                case 1: sent += H2Wire.announce()
                case 2: sent += padded(stream, text, .random(in: 0...255, using: &random))
                default: sent += H2Wire.data(stream, text)
                }
            }
            var all: [UInt8] = []
            var rest = sent[...]
            while !rest.isEmpty {
                let stream = UInt32.random(in: 0..<4, using: &random) * 2 + 1
                if Bool.random(using: &random) { data.pause(stream) } else { _ = data.resume(stream) }
                let part = rest.prefix(Int.random(in: 1...100, using: &random))
                rest = rest.dropFirst(part.count)
                all += passed(Array(part), by: &data)
            }
            for stream in [1, 3, 5, 7] as [UInt32] { _ = data.resume(stream) }
            all += next(&data)
            #expect(Received(all) == Received(sent), "seed \(seed)")
        }
    }
}
