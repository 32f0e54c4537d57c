import NIOCore

/// Replaces a word in bytes that come in chunks. Holds back the end of a chunk as long as it may be the beginning of a word.
struct Replacer {
    private let word: [UInt8]
    private let replacement: [UInt8]
    /// How much of the word has come at the end of what came.
    private var matched = 0
    /// For each number of bytes that match, how many still do when the next doesn't (Knuth, Morris and Pratt).
    private let fallback: [Int]

    init(replacing word: String, with replacement: String) {
        self.word = Array(word.utf8)
        self.replacement = Array(replacement.utf8)
        var fallback = [0, 0]
        var length = 0
        for index in 1..<max(1, self.word.count) {
            while length > 0, self.word[index] != self.word[length] { length = fallback[length] }
            if self.word[index] == self.word[length] { length += 1 }
            fallback.append(length)
        }
        self.fallback = fallback
    }

    /// Changes a chunk in place and returns how many words were replaced.
    mutating func replace(in bytes: inout ByteBuffer) -> Int {
        var output = ByteBuffer()
        output.reserveCapacity(bytes.readableBytes + matched)
        var count = 0
        for byte in bytes.readableBytesView {
            while matched > 0, byte != word[matched] {
                // What can't belong to a word any more goes out.
                let shorter = fallback[matched]
                output.writeBytes(word[..<(matched - shorter)])
                matched = shorter
            }
            guard byte == word[matched] else {
                output.writeInteger(byte)
                continue
            }
            matched += 1
            if matched == word.count {
                output.writeBytes(replacement)
                matched = 0
                count += 1
            }
        }
        bytes = output
        return count
    }

    /// The body is over: what was held back is no word.
    mutating func finish(_ tail: inout ByteBuffer) {
        tail.writeBytes(word[..<matched])
        matched = 0
    }
}
