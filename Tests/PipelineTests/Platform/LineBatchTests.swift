import Testing

@testable import Platform

/// In what pieces lines are written.
@Suite struct LineBatchTests {
    private static func batch(_ lengths: [Int]) -> LineBatch {
        var buffer = LineBuffer()
        var lines: [LineBatch.Line] = []
        for length in lengths {
            buffer.append(String(repeating: "x", count: length - 1) + "\n")
            lines.append(LineBatch.Line(length: length))
        }
        var batch = LineBatch()
        batch.exchange(&buffer, &lines)
        return batch
    }

    /// Writes all of a batch, of each piece no more than `most` bytes. The pieces' sizes.
    private static func pieces(_ lengths: [Int], limit: Int?, most: Int = .max) -> (sizes: [Int], whole: [Int]) {
        var batch = batch(lengths)
        var (sizes, whole): ([Int], [Int]) = ([], [])
        while batch.hasRest {
            let count = batch.piece(within: limit).count
            sizes.append(count)
            whole.append(batch.advance(by: min(count, most)).count)
        }
        return (sizes, whole)
    }

    @Test(arguments: [
        // As many whole lines as fit, and a line that doesn't by itself, in parts.
        ([3, 3, 3, 3], 10, [9, 3], [3, 1]),
        ([10, 1, 9, 2], 10, [10, 10, 2], [1, 2, 1]),
        ([25, 5], 10, [10, 10, 10], [0, 0, 2]),
        ([4, 25, 5, 6], 10, [4, 10, 10, 10, 6], [1, 0, 0, 2, 1]),
        ([2, 2, 2], nil, [6], [3]),
    ])
    func wholeLinesGoTogether(_ lengths: [Int], _ limit: Int?, _ sizes: [Int], _ whole: [Int]) {
        let (found, ended) = Self.pieces(lengths, limit: limit)
        #expect(found == sizes)
        #expect(ended == whole)
    }

    /// Of a piece that was taken in part the rest goes next.
    @Test func whatIsTakenInPartGoesOn() {
        let (sizes, whole) = Self.pieces([6, 6, 6], limit: 12, most: 4)
        #expect(sizes == [12, 8, 10, 6, 2])
        #expect(whole == [0, 1, 1, 0, 1])
    }

    @Test func aLineThatWasBrokenOffIsEnded() {
        var queue = LineQueue()
        let account = LineAccount(limit: 100, report: .call { _ in })
        queue.attach(account)
        func write(_ text: String) { _ = queue.add(account) { $0.append(text) } }
        /// Writes so many bytes of the next batch; the rest is lost.
        func take(_ most: Int) -> String {
            guard var batch = queue.next() else { return "" }
            let piece = batch.piece(within: nil).prefix(most)
            queue.settle(batch.advance(by: piece.count), areWritten: true)
            queue.settle(batch.rest, areWritten: false)
            queue.finish(batch)
            return String(decoding: piece, as: UTF8.self)
        }
        write("one\n")
        write("two\n")
        #expect(take(6) == "one\ntw")
        #expect(account.dropped == 1)
        write("three\n")
        #expect(take(0) == "")
        write("four\n")
        #expect(take(100) == "\nfour\n")
        write("five\n")
        #expect(take(100) == "five\n")
        #expect(account.dropped == 2)
        #expect(queue.accepted == 5 && queue.settled == 5)
        #expect(take(100) == "")
    }

    /// What stands on a terminal's last row is taken away before a line, and stands below it again.
    @Test func aStatusStandsBelowTheLastLine() {
        var queue = LineQueue()
        let account = LineAccount(limit: 1_000, report: .call { _ in })
        queue.attach(account)
        func written() -> String {
            guard var batch = queue.next() else { return "" }
            let piece = batch.piece(within: nil)
            let text = String(decoding: piece, as: UTF8.self)
            queue.settle(batch.advance(by: piece.count), areWritten: true)
            queue.finish(batch)
            return text.replacing("\r\u{1B}[K", with: "<")
        }
        _ = queue.add(account) { $0.append("one\n") }
        #expect(written() == "one\n")
        queue.show(status: "waits", account)
        _ = queue.add(account) { $0.append("two\n") }
        #expect(written() == "<waits<two\nwaits")
        queue.show(status: "waits", account)
        #expect(written() == "", "nothing has changed")
        queue.show(status: "goes on", account)
        queue.show(status: "", account)
        _ = queue.add(account) { $0.append("three\n") }
        #expect(written() == "<goes on<three\n")
        #expect(StatusLine.cut("a\u{1B}[2Jb\nlonger than that", to: 10).count == 10)
    }
}
