/// Whole lines that are written together, and how much of them is written.
struct LineBatch {
    struct Line {
        /// In bytes, with its end.
        var length: Int
        /// Whose it is; nil for what only ends a line that was broken off before.
        var account: LineAccount?
        /// How many lines it says were left out; 0 for any other line.
        var tells: Int64 = 0
    }

    private(set) var bytes: [UInt8] = []
    private(set) var lines: [Line] = []
    /// In bytes.
    private(set) var written = 0
    /// Where the last line ends that is written as a whole, and how many lines that are.
    private var ended = 0
    private var whole = 0

    /// Something is left to be written.
    var hasRest: Bool { written < bytes.count }
    /// A line is written in part.
    var isBroken: Bool { written > ended }
    /// The lines that aren't written as a whole.
    var rest: ArraySlice<Line> { lines[whole...] }
    /// The memory that it keeps, in bytes.
    var capacity: Int { bytes.capacity }

    /// Takes over bytes and their lines, and gives its own arrays in return.
    mutating func exchange(_ buffer: inout LineBuffer, _ lines: inout [Line]) {
        buffer.exchange(&bytes)
        swap(&lines, &self.lines)
    }

    /// Ends a line that was broken off before: what comes isn't to look like the rest of it.
    mutating func beginAnew() {
        bytes.insert(0x0A, at: 0)
        lines.insert(Line(length: 1), at: 0)
    }

    /// What is to be written next: whole lines as far as they fit, or a part of a line that doesn't.
    ///
    /// - Parameter limit: In bytes; nil where there is none.
    func piece(within limit: Int?) -> ArraySlice<UInt8> {
        guard let limit, bytes.count - written > limit else { return bytes[written...] }
        var end = ended
        for line in rest {
            guard end <= written || end + line.length - written <= limit else { break }
            end += line.length
        }
        return bytes[written..<min(end, written + limit)]
    }

    /// So many bytes more are written. The lines that are whole by that.
    mutating func advance(by count: Int) -> ArraySlice<Line> {
        written += count
        let first = whole
        while whole < lines.count, ended + lines[whole].length <= written {
            ended += lines[whole].length
            whole += 1
        }
        return lines[first..<whole]
    }

    /// Empties it, with its memory kept for the next lines unless it has become large.
    mutating func clear(keeping most: Int) {
        bytes.removeAll(keepingCapacity: bytes.capacity <= most)
        lines.removeAll(keepingCapacity: lines.capacity * MemoryLayout<Line>.stride <= most)
        (written, ended, whole) = (0, 0, 0)
    }
}
