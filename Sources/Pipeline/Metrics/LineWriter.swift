import Dispatch
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Writes lines to a file, or to standard error, on a thread of its own. Whoever has a line puts it into memory and goes on:
/// no event loop waits for a disk or a pipe. Memory is bounded; when it is full, lines are left out and counted.
package final class LineWriter: Sendable {
    /// Where lines are written to.
    package enum Target: Sendable, Equatable {
        case standardError
        case file(String)
    }

    private struct State {
        var buffer = LineBuffer()
        /// An empty array whose memory is used again.
        var spare: [UInt8] = []
        var isScheduled = false
        var isUrgent = false
        var isClosed = false
        var dropped: Int64 = 0
    }

    /// How long a line may wait for others.
    private static let moment = DispatchTimeInterval.milliseconds(20)

    private let target: Target
    private let limit: Int
    private let state = Mutex(State())
    /// -1 while there is no file.
    private let descriptor = Mutex<CInt>(-1)
    private let queue = DispatchQueue(label: "fluidity.lines", qos: .utility)

    /// - Parameter limit: The bytes that may wait to be written.
    package init(_ target: Target, limit: Int) {
        self.target = target
        self.limit = limit
        if target == .standardError { descriptor.withLock { $0 = STDERR_FILENO } }
    }

    deinit {
        if case .file = target { descriptor.withLock { if $0 >= 0 { close($0) } } }
    }

    /// Lines that were left out, because memory was full or the file couldn't be written.
    package var dropped: Int64 { state.withLock { $0.dropped } }

    /// Opens the file, for appending; anew, if it is open: under its name may be another one by now. Throws what is wrong, and
    /// keeps the file that it has.
    package func open() throws(StageError) {
        guard case .file(let path) = target else { return }
        let opened = openFile(path)
        guard opened >= 0 else {
            throw StageError(.unavailable, "can't write to '\(path)': \(String(cString: strerror(errno)))", key: "to")
        }
        descriptor.withLock { descriptor in
            if descriptor >= 0 { close(descriptor) }
            descriptor = opened
        }
    }

    /// Adds one line, with its end. False if it was left out.
    @discardableResult
    package func write(_ line: (inout LineBuffer) -> Void) -> Bool {
        let (isTaken, isFirst, isUrgent) = state.withLock { state in
            let before = state.buffer.bytes.count
            guard before < limit, !state.isClosed else {
                state.dropped += 1
                return (false, false, false)
            }
            line(&state.buffer)
            guard state.buffer.bytes.count <= limit else {
                state.buffer.truncate(to: before)
                state.dropped += 1
                return (false, false, false)
            }
            let isUrgent = !state.isUrgent && state.buffer.bytes.count * 4 >= limit
            if isUrgent { state.isUrgent = true }
            let isFirst = !state.isScheduled
            state.isScheduled = true
            return (true, isFirst, isUrgent)
        }
        // Waking a thread for each line would cost more than the line: lines of a moment go together.
        if isUrgent {
            queue.async { self.drain() }
        } else if isFirst {
            queue.asyncAfter(deadline: .now() + Self.moment) { self.drain() }
        }
        return isTaken
    }

    /// Returns when everything that was added has been written, as far as it can be.
    package func flush() async {
        await withCheckedContinuation { continuation in
            queue.async {
                self.drain()
                continuation.resume()
            }
        }
    }

    /// Writes what is there and takes nothing more.
    package func finish() async {
        state.withLock { $0.isClosed = true }
        await flush()
    }

    /// On the queue.
    private func drain() {
        while true {
            let next = state.withLock { state -> [UInt8]? in
                guard !state.buffer.bytes.isEmpty else {
                    (state.isScheduled, state.isUrgent) = (false, false)
                    return nil
                }
                var bytes: [UInt8] = []
                swap(&bytes, &state.spare)
                state.buffer.exchange(&bytes)
                return bytes
            }
            guard var bytes = next else { return }
            let isWritten = descriptor.withLock { Self.write(bytes, to: $0) }
            let lost = isWritten ? 0 : Int64(bytes.count { $0 == 0x0A })
            bytes.removeAll(keepingCapacity: true)
            state.withLock { state in
                state.dropped += lost
                swap(&state.spare, &bytes)
            }
        }
    }

    private static func write(_ bytes: [UInt8], to descriptor: CInt) -> Bool {
        bytes.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = writeOnce(descriptor, UnsafeRawBufferPointer(rebasing: rest))
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return false }
                rest = rest.dropFirst(count)
            }
            return true
        }
    }
}

private func openFile(_ path: String) -> CInt { open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o640) }

private func writeOnce(_ descriptor: CInt, _ bytes: UnsafeRawBufferPointer) -> Int {
    write(descriptor, bytes.baseAddress, bytes.count)
}

/// Lines that wait to be written, and the time of day as they have it.
package struct LineBuffer: Sendable {
    package private(set) var bytes: [UInt8] = []
    private var stampSecond = -1
    private var stamp: [UInt8] = []

    package init() {}

    package mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }
    package mutating func append(_ byte: UInt8) { bytes.append(byte) }

    /// The time as RFC 3339 has it, in UTC, to the millisecond.
    package mutating func appendTime() {
        let now = stampNow()
        bytes.append(contentsOf: stamp)
        bytes.append(UInt8(ascii: "."))
        let milliseconds = now.nanoseconds / 1_000_000
        for digit in [milliseconds / 100, milliseconds / 10 % 10, milliseconds % 10] { bytes.append(0x30 + UInt8(digit)) }
        bytes.append(UInt8(ascii: "Z"))
    }

    /// The time as web servers' logs have it: `10/Oct/2000:13:55:36 +0000`.
    package mutating func appendCommonLogTime() {
        _ = stampNow()
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let month = Int(stamp[5] - 0x30) * 10 + Int(stamp[6] - 0x30)
        bytes.append(contentsOf: stamp[8..<10])
        append("/\(months[max(0, min(11, month - 1))])/")
        bytes.append(contentsOf: stamp[0..<4])
        bytes.append(UInt8(ascii: ":"))
        bytes.append(contentsOf: stamp[11..<19])
        append(" +0000")
    }

    /// One JSON object, written in place.
    package mutating func appendObject(_ body: (inout JSONText) -> Void) {
        var json = JSONText()
        json.exchange(&bytes)
        json.object(body)
        json.exchange(&bytes)
    }

    /// Members of an object that is written otherwise.
    package mutating func appendMembers(_ body: (inout JSONText) -> Void) {
        var json = JSONText()
        json.exchange(&bytes)
        body(&json)
        json.exchange(&bytes)
    }

    /// A value in a line for people: as it is where it can be, else as a JSON string.
    package mutating func appendWord(_ text: String) {
        let isPlain = !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x22 && $0 != 0x3D && $0 != 0x7F }
        if isPlain { append(text) } else { appendMembers { $0.value(text) } }
    }

    /// A text in which nothing ends a line or a quoted string: such bytes, and those beyond ASCII, become `\xHH`.
    package mutating func appendEscaped(_ text: some StringProtocol, isWord: Bool = false) {
        for byte in text.utf8 {
            switch byte {
            case 0x20 where isWord: append("\\x20")
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0x20..<0x7F: bytes.append(byte)
            default:
                append("\\x")
                for digit in [byte >> 4, byte & 15] { bytes.append(digit < 10 ? 0x30 + digit : 0x57 + digit) }
            }
        }
    }

    mutating func truncate(to count: Int) { bytes.removeLast(bytes.count - count) }
    mutating func exchange(_ other: inout [UInt8]) { swap(&bytes, &other) }

    /// Brings the stamp up to date: once in a second it is made anew.
    private mutating func stampNow() -> (seconds: Int, nanoseconds: Int) {
        let now = WallTime.precise
        if now.seconds != stampSecond {
            stampSecond = now.seconds
            stamp = Array(Timestamp.utc(now.seconds).utf8.prefix(19))
            stamp[10] = UInt8(ascii: "T")
        }
        return now
    }
}
