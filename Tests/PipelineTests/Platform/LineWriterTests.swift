import Foundation
import Synchronization
import Testing

@testable import Pipeline
@testable import Platform

/// Nothing in here waits for good: what does hangs, which the limit of time ends.
@Suite(.timeLimit(.minutes(10))) struct LineWriterTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("fluidity-\(UUID().uuidString)")
    /// Longer than any test takes.
    private let patience = Duration.seconds(50)

    private func path(_ name: String) throws -> String {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder.appendingPathComponent(name).path
    }

    private func text(_ file: String) throws -> String { try String(contentsOfFile: file, encoding: .utf8) }

    /// A FIFO, and somebody who could read from it.
    private func fifo(_ name: String) throws -> (path: String, reader: FileHandle) {
        let file = try path(name)
        #expect(mkfifo(file, 0o600) == 0)
        return (file, FileHandle(fileDescriptor: open(file, O_RDONLY | O_NONBLOCK), closeOnDealloc: true))
    }

    /// Reads until as many lines have come.
    private func read(_ reader: FileHandle, lines: Int) async -> [Substring] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        var count = 0
        while count < lines {
            let more = Foundation.read(reader.fileDescriptor, &buffer, buffer.count)
            if more > 0 {
                bytes += buffer.prefix(more)
                count += buffer.prefix(more).count { $0 == 0x0A }
            } else {
                await Task.yield()
            }
        }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    }

    // MARK: - Whole lines, in order

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
        await writer.finish(within: patience)
        let lines = try text(file).split(separator: "\n")
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

    /// Writers of one file don't get into each other's lines, though these are longer than what a pipe takes at once, and though each
    /// has another name for it.
    @Test(arguments: [false, true]) func writersOfOneFileAreOne(_ isFIFO: Bool) async throws {
        let (lines, length) = (60, 3 * LineFile.pieceLimit)
        let (file, reader) = isFIFO ? try fifo("shared") : (try path("shared"), nil)
        let other = try path("other name")
        try FileManager.default.createSymbolicLink(atPath: other, withDestinationPath: file)
        let writers = [file, other, file].map { LineWriter(.file($0), limit: lines * (length + 1)) }
        for writer in writers { try writer.open() }
        for (index, writer) in writers.enumerated() {
            Thread.detachNewThread {
                for _ in 0..<lines { writer.write { $0.append(String(repeating: "\(index)", count: length) + "\n") } }
            }
        }
        let found: [Substring]
        if let reader {
            found = await read(reader, lines: 3 * lines)
        } else {
            while try text(file).utf8.count < 3 * lines * (length + 1) { await Task.yield() }
            found = try text(file).split(separator: "\n")
        }
        #expect(found.count == 3 * lines)
        #expect(found.allSatisfy { $0.utf8.count == length && Set($0.utf8).count == 1 })
        for writer in writers { await writer.finish(within: patience) }
        try? FileManager.default.removeItem(at: folder)
    }

    @Test func aFileThatWasMovedIsOpenedAnew() async throws {
        let file = try path("moved.log")
        let writer = LineWriter(.file(file), limit: 1_000)
        try writer.open()
        writer.write { $0.append("one\n") }
        try FileManager.default.moveItem(atPath: file, toPath: file + ".1")
        writer.write { $0.append("two\n") }
        // The same one is nothing new.
        await writer.flush(within: patience)
        try FileManager.default.createSymbolicLink(atPath: file, withDestinationPath: file + ".1")
        try writer.open()
        writer.write { $0.append("three\n") }
        try FileManager.default.removeItem(atPath: file)
        try writer.open()
        writer.write { $0.append("four\n") }
        while try text(file + ".1") != "one\ntwo\nthree\n" { await Task.yield() }
        await writer.finish(within: patience)
        #expect(try text(file) == "four\n")
        #expect(writer.dropped == 0)
        try? FileManager.default.removeItem(at: folder)
    }

    // MARK: - What isn't taken

    @Test func aReaderThatIsStuckCostsLinesAndNoTime() async throws {
        let (file, reader) = try fifo("stuck.fifo")
        let writer = LineWriter(.file(file), limit: 10_000)
        try writer.open()
        let line = String(repeating: "x", count: 999) + "\n"
        // Until the FIFO is full; whoever waits doesn't wait for the reader. On a busy machine a line may take its time, too.
        var taken = 0
        repeat { if writer.write({ $0.append(line) }) { taken += 1 } } while await writer.flush(within: .milliseconds(500))
        // More than the queue holds.
        for _ in 0..<100 where writer.write({ $0.append(line) }) { taken += 1 }
        let dropped = writer.dropped
        #expect(dropped >= 90)
        #expect(await !LineWriter.flushAll(within: .milliseconds(20)))
        #expect(!writer.settle(within: .milliseconds(20)))
        // Once it is read everything that was taken comes, in whole lines, and then how many are missing.
        let lines = await read(reader, lines: taken + 1)
        #expect(lines.dropLast().allSatisfy { $0.utf8.count == 999 })
        #expect(lines.last == "\(dropped) lines were left out")
        #expect(await writer.flush(within: patience))
        #expect(writer.write { $0.append("next\n") })
        #expect(await read(reader, lines: 1) == ["next"])
        await writer.finish(within: patience)
        try? FileManager.default.removeItem(at: folder)
    }

    /// Opening a FIFO is waiting for whoever opens its other end, with most programs.
    @Test func aFIFOThatNobodyReadsIsOpened() async throws {
        let file = try path("nobody.fifo")
        #expect(mkfifo(file, 0o600) == 0)
        let writer = LineWriter(.file(file), limit: 10_000)
        try writer.open()
        writer.write { $0.append("one\n") }
        #expect(await writer.flush(within: patience))
        let reader = FileHandle(fileDescriptor: open(file, O_RDONLY | O_NONBLOCK), closeOnDealloc: true)
        #expect(await read(reader, lines: 1) == ["one"])
        // The reader goes, and another one comes.
        try reader.close()
        writer.write { $0.append("two\n") }
        let next = FileHandle(fileDescriptor: open(file, O_RDONLY | O_NONBLOCK), closeOnDealloc: true)
        #expect(await read(next, lines: 1) == ["two"])
        #expect(writer.dropped == 0)
        await writer.finish(within: patience)
        try? FileManager.default.removeItem(at: folder)
    }

    /// The end waits no longer than it is told to, and nothing is kept for a reader that never comes back.
    @Test func theEndDoesNotWaitForAReader() async throws {
        let (file, reader) = try fifo("end.fifo")
        let writer = LineWriter(.file(file), limit: 1 << 20)
        try writer.open()
        let identity = try #require(LineFile.open(file).identity)
        for _ in 0..<200 { writer.write { $0.append(String(repeating: "x", count: 999) + "\n") } }
        await writer.finish(within: .milliseconds(20))
        while LineOutput.all.contains(where: { $0.file.identity == identity }) { await Task.yield() }
        #expect(writer.dropped > 0)
        try reader.close()
        try? FileManager.default.removeItem(at: folder)
    }

    /// A pipe whose reader has gone, a disk that is full, standard error that is closed: lines are lost, and nothing else.
    @Test(arguments: ["no reader", "full", "closed"]) func whatCannotBeWrittenIsCounted(_ kind: String) async throws {
        let descriptor: CInt
        switch kind {
        case "full": descriptor = open("/dev/full", O_WRONLY)
        case "closed": descriptor = -1
        default:
            var ends: [CInt] = [-1, -1]
            #expect(pipe(&ends) == 0)
            close(ends[0])
            descriptor = ends[1]
        }
        let output = LineOutput(LineFile(descriptor))
        let account = LineAccount(limit: 1_000, report: .line { $1.append("\($0)\n") })
        output.attach(account)
        for number in 1...3 {
            #expect(output.write(account, isUrgent: false) { $0.append("\(number)\n") })
            #expect(output.flush(until: .now() + 50))
            #expect(account.dropped == Int64(number))
        }
        output.detach(account)
    }

    @Test func whatCannotBeOpenedIsSaid() throws {
        let writer = LineWriter(.file("/no/such/folder/a.log"), limit: 1_000)
        #expect(throws: LineFileProblem.self) { try writer.open() }
        #expect(!writer.write { $0.append("lost\n") })
        #expect(writer.dropped == 1)
    }

    @Test func aLineThatIsTooLongIsLeftOutWhole() async throws {
        let file = try path("long.log")
        let writer = LineWriter(.file(file), limit: 10)
        try writer.open()
        #expect(!writer.write { $0.append("much too long\n") })
        #expect(writer.write { $0.append("short\n") })
        await writer.finish(within: patience)
        #expect(try text(file) == "short\n1 line was left out\n")
        try? FileManager.default.removeItem(at: folder)
    }

    /// Whoever wants to be called hears of the first loss at once and of others at the end, or a minute later.
    @Test func lossesAreToldElsewhere() async throws {
        let told = Told()
        let file = try path("elsewhere.log")
        let writer = LineWriter(.file(file), limit: 10, report: .call { count in told.counts.withLock { $0.append(count) } })
        try writer.open()
        writer.write { $0.append("much too long\n") }
        while told.counts.withLock({ $0.isEmpty }) { await Task.yield() }
        for _ in 0..<3 { writer.write { $0.append("much too long\n") } }
        await writer.finish(within: patience)
        #expect(told.counts.withLock { $0 } == [1, 3])
        #expect(try text(file) == "")
        try? FileManager.default.removeItem(at: folder)
    }

    private final class Told: Sendable {
        let counts = Mutex<[Int64]>([])
    }

    // MARK: - Text

    @Test func hostileTextEndsNoLine() {
        var line = LineBuffer()
        line.appendEscaped("a b\"c\\d\r\n\u{7F}é\u{0}")
        #expect(String(decoding: line.bytes, as: UTF8.self) == #"a b\"c\\d\x0d\x0a\x7f\xc3\xa9\x00"#)
        var word = LineBuffer()
        word.appendEscaped("a b", isWord: true)
        #expect(String(decoding: word.bytes, as: UTF8.self) == #"a\x20b"#)
    }
}
