import DequeModule
import HTTPMessages
import NIOCore

/// One body on its way through deflate or inflate, with its credit: what goes in and comes out differs in number, and neither
/// may pile up. Without an exchange, so that tests need none.
///
/// Whoever drives it gives it what came, then does what `next` says until that is nothing; again when the receiver has given
/// credit. As long as the receiver owes credit for more than `limit` bytes, nothing more comes out, and the sender gets none.
/// A body that inflates to a million times its size therefore takes up no more than another: what it was made of waits,
/// bounded by the sender's window.
final class CodedBody {
    enum Step: Equatable {
        /// Goes to the receiver.
        case bytes(ByteBuffer)
        /// Goes to the sender, in its own count.
        case credit(Int)
        case end(HeaderFields?)
        /// The body isn't what its head says.
        case failed(Failure)
    }

    enum Coder {
        case deflate(Deflater)
        case inflate(Inflater)
    }

    /// What the receiver may owe credit for, in bytes.
    static let limit = 64 << 10
    /// The most that comes out in one step of inflating, in bytes.
    static let portion = 32 << 10

    private let coder: Coder
    private let original: Int64?
    private(set) var taken: Int64 = 0
    private(set) var made: Int64 = 0

    private var input = Deque<ByteBuffer>()
    private var output = ByteBuffer()
    /// Came out and is not yet credited by the receiver.
    private var outstanding = 0
    /// Was taken and is not yet credited to the sender.
    private var owed = 0
    private var isFull = false
    private var isFinished = false
    private var isEndComing = false
    private var trailers: HeaderFields?
    private var isOver = false

    /// - Parameter original: what the body is to inflate to, where it is known.
    init(_ coder: Coder, original: Int64? = nil) {
        self.coder = coder
        self.original = original
    }

    /// A part of the body has come.
    func take(_ bytes: ByteBuffer) {
        guard !isOver, !isEndComing else { return }
        switch coder {
        case .deflate(let deflater):
            taken += Int64(bytes.readableBytes)
            owed += bytes.readableBytes
            deflater.take(bytes, into: &output)
        case .inflate:
            if bytes.readableBytes > 0 { input.append(bytes) }
        }
    }

    /// The sender has no more for now: what it has sent must come out.
    func flush() {
        guard case .deflate(let deflater) = coder, !isOver, !isEndComing else { return }
        deflater.flush(into: &output)
    }

    func end(_ trailers: HeaderFields?) {
        guard !isOver, !isEndComing else { return }
        isEndComing = true
        self.trailers = trailers
        if case .deflate(let deflater) = coder { deflater.finish(into: &output) }
    }

    /// The receiver has passed on that many bytes.
    func credit(_ bytes: Int) { outstanding -= min(bytes, outstanding) }

    func next() -> Step? {
        guard !isOver else { return nil }
        if output.readableBytes > 0 {
            let bytes = output
            output = ByteBuffer()
            outstanding += bytes.readableBytes
            made += Int64(bytes.readableBytes)
            return .bytes(bytes)
        }
        if owed > 0, outstanding <= Self.limit {
            defer { owed = 0 }
            return .credit(owed)
        }
        switch coder {
        case .deflate:
            guard isEndComing else { return nil }
            isOver = true
            return .end(trailers)
        case .inflate(let inflater):
            return inflate(inflater)
        }
    }

    private func inflate(_ inflater: Inflater) -> Step? {
        guard outstanding < Self.limit else { return nil }
        guard var bytes = isFull ? input.first ?? ByteBuffer() : input.first else { return endOfInput() }
        guard !isFinished else { return fail("has bytes behind its end") }
        let before = bytes.readableBytes
        let status = inflater.step(&bytes, into: &output, limit: portion(for: before))
        if !input.isEmpty {
            if bytes.readableBytes == 0 { input.removeFirst() } else { input[input.startIndex] = bytes }
        }
        let consumed = before - bytes.readableBytes
        taken += Int64(consumed)
        owed += consumed
        isFull = status == .full
        isFinished = status == .finished
        if status == .invalid { return fail("is no deflated body") }
        if let original, made + Int64(output.readableBytes) > original { return fail("is longer than its head says") }
        return next()
    }

    /// As much as may come of so many bytes as a rule; what is more comes in further steps.
    private func portion(for count: Int) -> Int { isFull ? Self.portion : max(512, min(Self.portion, count * 4)) }

    private func endOfInput() -> Step? {
        guard isEndComing else { return nil }
        guard isFinished else { return fail("ends in the middle") }
        if let original, made < original { return fail("is shorter than its head says") }
        isOver = true
        return .end(trailers)
    }

    private func fail(_ what: String) -> Step {
        isOver = true
        output = ByteBuffer()
        input = []
        return .failed(Failure(.protocolViolation, "a compressed body \(what)"))
    }
}

@available(*, unavailable)
extension CodedBody: Sendable {}
