import Foundation
import Testing

@testable import Pipeline

@Suite struct LineWriterTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("fluidity-\(UUID().uuidString)")

    private func path(_ name: String) throws -> String {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder.appendingPathComponent(name).path
    }

    @Test func linesOfManyThreadsStayWhole() async throws {
        let file = try path("many.log")
        let writer = LineWriter(.file(file), limit: 8 << 20)
        try writer.open()
        await withTaskGroup(of: Void.self) { group in
            for writerNumber in 0..<8 {
                group.addTask {
                    for line in 0..<1_000 {
                        writer.write { $0.append("\(writerNumber) \(line) \(String(repeating: "x", count: line % 90))\n") }
                    }
                }
            }
        }
        await writer.finish()
        let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
        #expect(lines.count == 8_000)
        #expect(writer.dropped == 0)
        for number in 0..<8 {
            let own = lines.filter { $0.hasPrefix("\(number) ") }.map { $0.split(separator: " ")[1] }
            #expect(own == (0..<1_000).map { Substring("\($0)") })
        }
        #expect(!writer.write { $0.append("late\n") })
        #expect(writer.dropped == 1)
        try? FileManager.default.removeItem(at: folder)
    }

    @Test func aReaderThatIsStuckCostsLinesAndNoTime() async throws {
        // A FIFO that nobody reads: writing to it blocks once it is full.
        let file = try path("stuck.fifo")
        #expect(mkfifo(file, 0o600) == 0)
        let reader = open(file, O_RDONLY | O_NONBLOCK)
        let writer = LineWriter(.file(file), limit: 10_000)
        try writer.open()
        let line = String(repeating: "x", count: 999) + "\n"
        // More than FIFO and queue hold together.
        var taken = 0
        for _ in 0..<1_000 where writer.write({ $0.append(line) }) { taken += 1 }
        #expect(taken < 1_000)
        #expect(writer.dropped == Int64(1_000 - taken))
        // Once it is read everything that was taken comes, in whole lines.
        var bytes = 0
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while bytes < taken * 1_000 {
            let count = read(reader, &buffer, buffer.count)
            if count > 0 { bytes += count } else { await Task.yield() }
        }
        await writer.finish()
        #expect(bytes == taken * 1_000)
        close(reader)
        try? FileManager.default.removeItem(at: folder)
    }

    @Test func aFileThatWasMovedIsOpenedAnew() async throws {
        let file = try path("moved.log")
        let writer = LineWriter(.file(file), limit: 1_000)
        try writer.open()
        writer.write { $0.append("one\n") }
        await writer.flush()
        try FileManager.default.moveItem(atPath: file, toPath: file + ".1")
        writer.write { $0.append("two\n") }
        await writer.flush()
        try writer.open()
        writer.write { $0.append("three\n") }
        await writer.finish()
        #expect(try String(contentsOfFile: file + ".1", encoding: .utf8) == "one\ntwo\n")
        #expect(try String(contentsOfFile: file, encoding: .utf8) == "three\n")
        try? FileManager.default.removeItem(at: folder)
    }

    @Test func whatCannotBeOpenedIsSaid() throws {
        let writer = LineWriter(.file("/no/such/folder/a.log"), limit: 1_000)
        #expect(throws: StageError.self) { try writer.open() }
    }

    @Test func aLineThatIsTooLongIsLeftOutWhole() async throws {
        let file = try path("long.log")
        let writer = LineWriter(.file(file), limit: 10)
        try writer.open()
        #expect(!writer.write { $0.append("much too long\n") })
        #expect(writer.write { $0.append("short\n") })
        await writer.finish()
        #expect(try String(contentsOfFile: file, encoding: .utf8) == "short\n")
        try? FileManager.default.removeItem(at: folder)
    }

    @Test func hostileTextEndsNoLine() {
        var line = LineBuffer()
        line.appendEscaped("a b\"c\\d\r\n\u{7F}é\u{0}")
        #expect(String(decoding: line.bytes, as: UTF8.self) == #"a b\"c\\d\x0d\x0a\x7f\xc3\xa9\x00"#)
        var word = LineBuffer()
        word.appendEscaped("a b", isWord: true)
        #expect(String(decoding: word.bytes, as: UTF8.self) == #"a\x20b"#)
    }
}
