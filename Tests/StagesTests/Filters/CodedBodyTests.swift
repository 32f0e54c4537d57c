import HTTPMessages
import NIOCore
import Testing

@testable import Filters

/// Bodies through deflate and inflate: what comes out is what went in, at once where it must, and never more than there is
/// room for.
@Suite struct CodedBodyTests {
    /// Drives a body and adds up what it says, with a receiver that gives credit when it is told to.
    private struct Driver {
        let body: CodedBody
        var out = ByteBuffer()
        var credit = 0
        var outstanding = 0
        var hasEnded = false
        var trailers: HeaderFields?
        var failure: Failure?
        var largest = 0

        init(_ body: CodedBody) { self.body = body }

        mutating func run() {
            while let step = body.next() {
                switch step {
                case .bytes(let bytes):
                    out.writeImmutableBuffer(bytes)
                    outstanding += bytes.readableBytes
                    largest = max(largest, outstanding)
                case .credit(let bytes): credit += bytes
                case .end(let fields): (hasEnded, trailers) = (true, fields)
                case .failed(let failure): self.failure = failure
                }
            }
        }

        mutating func receive() {
            body.credit(outstanding)
            outstanding = 0
        }

        mutating func runToEnd() {
            repeat {
                receive()
                run()
            } while outstanding > 0
        }
    }

    private static func deflating(_ level: Int = 4) throws -> CodedBody {
        CodedBody(.deflate(try #require(Deflater(level: level))))
    }

    private static func inflating(_ original: Int64? = nil) throws -> CodedBody {
        CodedBody(.inflate(try #require(Inflater())), original: original)
    }

    private static func deflated(_ bytes: ByteBuffer) throws -> ByteBuffer {
        let body = try deflating()
        body.take(bytes)
        body.end(nil)
        var driver = Driver(body)
        driver.runToEnd()
        #expect(driver.hasEnded)
        return driver.out
    }

    /// Text of words from a small stock, or bytes by chance, or zeros.
    private static func bytes(_ kind: String, _ count: Int, _ generator: inout SeededGenerator) -> ByteBuffer {
        switch kind {
        case "zeros": return ByteBuffer(repeating: 0, count: count)
        case "noise": return ByteBuffer(bytes: (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) })
        default:
            let words = ["the ", "tunnel ", "carries ", "every ", "exchange ", "over ", "one ", "connection, "]
            var text = ""
            while text.utf8.count < count { text += generator.pick(words) }
            return ByteBuffer(string: String(text.prefix(count)))
        }
    }

    @Test(arguments: ["text", "noise", "zeros"], [0, 1, 100, 1_024, 65_536, 300_000, 2_000_000])
    func roundTrip(_ kind: String, _ count: Int) throws {
        var generator = SeededGenerator(UInt64(count))
        let original = Self.bytes(kind, count, &generator)
        for known in [true, false] {
            let deflate = try Self.deflating()
            let inflate = try Self.inflating(known ? Int64(count) : nil)
            var (left, right) = (Driver(deflate), Driver(inflate))
            var rest = original
            while rest.readableBytes > 0, let part = rest.readSlice(length: min(rest.readableBytes, 1 + generator.below(40_000))) {
                deflate.take(part)
                if generator.chance(20) { deflate.flush() }
                left.run()
                // What goes over is cut in other places than it was made.
                while left.out.readableBytes > 0,
                    let piece = left.out.readSlice(length: min(left.out.readableBytes, 1 + generator.below(9_000)))
                {
                    inflate.take(piece)
                    right.run()
                    if generator.chance(50) { right.receive() }
                }
                if generator.chance(50) { left.receive() }
            }
            deflate.end(HeaderFields([("Sum", "1")]))
            left.runToEnd()
            inflate.take(left.out)
            inflate.end(left.trailers)
            right.runToEnd()
            #expect(right.failure == nil && left.hasEnded && right.hasEnded)
            #expect(right.out == original)
            #expect(right.trailers?.first("Sum") == "1")
            #expect(left.credit == count, "the sender gets credit for all that it sent")
            #expect(right.credit == Int(deflate.made) && inflate.taken == deflate.made)
            if kind == "text", count > 10_000 { #expect(deflate.made * 3 < deflate.taken) }
            if kind == "noise" { #expect(Int(deflate.made) < count + count / 500 + 300) }
        }
    }

    @Test func whatIsFlushedCanBeReadAtOnce() throws {
        let deflate = try Self.deflating()
        let inflate = try Self.inflating()
        var (left, right) = (Driver(deflate), Driver(inflate))
        for number in 0..<200 {
            deflate.take(ByteBuffer(string: "data: event \(number)\n\n"))
            left.run()
            let before = left.out.readableBytes
            deflate.flush()
            left.run()
            #expect(left.out.readableBytes > before, "zlib had kept it back")
            inflate.take(left.out)
            left.out.clear()
            right.run()
            #expect(String(buffer: right.out) == "data: event \(number)\n\n")
            right.out.clear()
            right.receive()
            left.receive()
            deflate.flush()
            left.run()
            #expect(left.out.readableBytes == 0, "a flush without bytes writes nothing")
        }
        #expect(deflate.made < deflate.taken, "even so it pays")
    }

    /// A megabyte that inflates to a gigabyte: nothing piles up, and who receives it slowly is sent it slowly.
    @Test func aBombTakesNoMoreRoomThanAnotherBody() throws {
        let deflater = try #require(Deflater(level: 9))
        let zeros = ByteBuffer(repeating: 0, count: 1 << 20)
        var bomb = ByteBuffer()
        for _ in 0..<1_024 { deflater.take(zeros, into: &bomb) }
        deflater.finish(into: &bomb)
        #expect(bomb.readableBytes < 1_200_000)
        let inflate = try Self.inflating()
        var driver = Driver(inflate)
        var total = 0
        var sent = 0
        var rest = bomb
        inflate.end(nil)
        let another = try Self.inflating()
        driver = Driver(another)
        while !driver.hasEnded {
            // The sender has a window of 256 KiB, as in a tunnel.
            while sent - driver.credit < 256 << 10, let part = rest.readSlice(length: min(16 << 10, rest.readableBytes)),
                part.readableBytes > 0
            {
                another.take(part)
                sent += part.readableBytes
                if rest.readableBytes == 0 { another.end(nil) }
            }
            driver.run()
            #expect(driver.outstanding <= CodedBody.limit + CodedBody.portion)
            total += driver.out.readableBytes
            driver.out.clear()
            driver.receive()
            if driver.failure != nil { break }
        }
        #expect(driver.failure == nil && driver.hasEnded)
        #expect(total == 1 << 30)
        #expect(driver.largest <= CodedBody.limit + CodedBody.portion)
    }

    @Test func aReceiverThatTakesNothingStopsTheSender() throws {
        let text = ByteBuffer(repeating: 0x61, count: 64 << 10)
        let inflate = try Self.inflating()
        var driver = Driver(inflate)
        inflate.take(try Self.deflated(ByteBuffer(repeating: 0, count: 10 << 20)))
        inflate.end(nil)
        driver.run()
        let (credit, outstanding) = (driver.credit, driver.outstanding)
        driver.run()
        #expect(driver.credit == credit && driver.outstanding == outstanding && !driver.hasEnded)
        driver.runToEnd()
        #expect(driver.hasEnded && driver.out.readableBytes == 10 << 20)

        let deflate = try Self.deflating()
        var other = Driver(deflate)
        var generator = SeededGenerator(1)
        for _ in 0..<4 {
            deflate.take(Self.bytes("noise", 64 << 10, &generator))
            other.run()
        }
        #expect(other.credit < 4 * 64 << 10, "no credit while the receiver owes for more than the limit")
        other.receive()
        other.run()
        #expect(other.credit == 4 * 64 << 10)
        deflate.take(text)
        other.run()
        #expect(other.credit == 5 * 64 << 10, "what stays inside zlib can earn nothing and is credited at once")
    }

    @Test func incompressibleDataIsGivenUp() throws {
        var generator = SeededGenerator(7)
        let noise = try #require(Deflater(level: 6))
        var out = ByteBuffer()
        for _ in 0..<4 { noise.take(Self.bytes("noise", 32 << 10, &generator), into: &out) }
        #expect(noise.hasGivenUp)
        let text = try #require(Deflater(level: 6))
        for _ in 0..<4 { text.take(Self.bytes("text", 32 << 10, &generator), into: &out) }
        #expect(!text.hasGivenUp)
        #expect(!noise.reset() && text.reset(), "one that has given up isn't used again")
    }

    /// What is wrong with a body, and how it is told.
    @Test(arguments: [
        ("noise", "is no deflated body"), ("cut short", "ends in the middle"), ("empty", "ends in the middle"),
        ("more behind it", "has bytes behind its end"), ("longer", "is longer than its head says"),
        ("shorter", "is shorter than its head says"), ("changed", "is no deflated body"), ("gzip", "is no deflated body"),
    ]) func wrongBodies(_ what: String, _ reason: String) throws {
        var generator = SeededGenerator(3)
        var good = try Self.deflated(Self.bytes("text", 5_000, &generator))
        var original: Int64? = 5_000
        switch what {
        case "noise": good = ByteBuffer(bytes: [0xFF, 0xFE, 0xFD, 0xFC, 1, 2, 3])
        case "cut short": good = try #require(good.getSlice(at: 0, length: good.readableBytes - 1))
        case "empty": good = ByteBuffer()
        case "more behind it": good.writeInteger(UInt8(0))
        case "longer": original = 4_999
        case "shorter": original = 5_001
        // The check at the end finds what the format lets through.
        case "changed": good.setInteger(UInt8(0x55), at: good.writerIndex - 1)
        default: good.setInteger(UInt16(0x1F8B), at: 0)
        }
        for cut in [1, 7, good.readableBytes + 1] {
            let inflate = try Self.inflating(original)
            var driver = Driver(inflate)
            var rest = good
            while rest.readableBytes > 0, let part = rest.readSlice(length: min(cut, rest.readableBytes)) {
                inflate.take(part)
                driver.run()
                driver.receive()
            }
            inflate.end(nil)
            driver.runToEnd()
            #expect(driver.failure?.message == "a compressed body \(reason)", "\(what) in parts of \(cut)")
            #expect(!driver.hasEnded)
            inflate.take(good)
            driver.run()
            #expect(driver.failure?.code == .protocolViolation && !driver.hasEnded)
        }
    }

    @Test func mutatedBodiesNeverTrapAndNeverComeOutWrong() throws {
        var generator = SeededGenerator(11)
        let original = Self.bytes("text", 3_000, &generator)
        let good = try Self.deflated(original)
        for _ in 0..<3_000 {
            var bad = good
            for _ in 0...generator.below(3) {
                bad.setInteger(UInt8.random(in: 0...255, using: &generator), at: generator.below(bad.readableBytes))
            }
            let inflate = try Self.inflating(generator.chance(50) ? 3_000 : nil)
            inflate.take(bad)
            inflate.end(nil)
            var driver = Driver(inflate)
            driver.runToEnd()
            #expect(driver.hasEnded != (driver.failure != nil))
            if driver.hasEnded { #expect(driver.out == original) }
        }
    }

    @Test func nothingOfOneBodyIsLeftForTheNext() throws {
        let secret = ByteBuffer(string: "a secret that is not to be found again, however often it is asked for")
        let deflater = try #require(Deflater(level: 6))
        func size(_ bytes: ByteBuffer) -> Int {
            var out = ByteBuffer()
            deflater.take(bytes, into: &out)
            deflater.finish(into: &out)
            return out.readableBytes
        }
        let first = size(secret)
        #expect(deflater.reset())
        #expect(size(secret) == first, "the same bytes are as large as if they had never been seen")
    }

    @Test func memoryIsPromisedAndGivenBack() {
        let pool = CoderPool(level: 4, limit: 2 * Deflater.memory)
        #expect(pool.reserve(Deflater.memory) && pool.reserve(Deflater.memory))
        #expect(!pool.reserve(1))
        pool.release(Deflater.memory)
        #expect(pool.reserve(Inflater.memory) && pool.used == Deflater.memory + Inflater.memory)
    }
}
