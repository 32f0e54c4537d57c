public import Logging
import Platform
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A small text file whose meaning is kept in memory and read anew when the file changes.
///
/// `refresh` looks at the file's time, size and number, and is for a thread that may wait: never for an event loop. A stage calls `watch` in
/// a task that it begins in `start` and cancels in `stop`. What can't be understood leaves what was there in place. At most 4 MiB of UTF-8.
public final class WatchedFile<Value: Sendable>: Sendable {
    private static var limit: Int { 4 << 20 }

    /// Where the file is.
    public let path: String
    private let parse: @Sendable (String) throws -> Value
    private let state: Mutex<State>

    private struct State {
        var value: Value
        var stamp: FileStamp?
    }

    /// What came of looking at the file.
    public enum Change: Sendable, Equatable {
        /// It is what it was.
        case none
        /// It has changed, and `value` is what it means now.
        case reloaded
        /// It has changed and can't be used, for a reason in words; told once for each state of the file.
        case failed(String)
    }

    /// Reads the file. Throws a `StageError` where it can't be read or understood.
    ///
    /// - Parameters:
    ///   - key: The configuration's key that names the file, for errors.
    ///   - parse: What a text means; what it throws is described to people.
    public init(_ path: String, key: String, parse: @escaping @Sendable (String) throws -> Value) throws(StageError) {
        self.path = path
        self.parse = parse
        let stamp = FileStamp(path)
        do {
            state = Mutex(State(value: try parse(try Self.read(path)), stamp: stamp))
        } catch {
            throw StageError(.configuration, "\(path): \(error)", key: key)
        }
    }

    /// What the file meant when it was last understood. May be asked for on any thread; a lock is held for a moment.
    public var value: Value { state.withLock { $0.value } }

    /// Reads the file again if it isn't what it was.
    public func refresh() -> Change {
        let stamp = FileStamp(path)
        guard state.withLock({ $0.stamp != stamp }) else { return .none }
        do {
            let value = try parse(try Self.read(path))
            state.withLock { $0 = State(value: value, stamp: stamp) }
            return .reloaded
        } catch {
            // Told once for each state of the file.
            state.withLock { $0.stamp = stamp }
            return .failed("\(error)")
        }
    }

    /// Looks at the file again and again until the task is cancelled, and says in the log what came of a change.
    public func watch(every interval: Duration = .seconds(1), logger: Logger) async {
        while (try? await Task.sleep(for: interval)) != nil {
            switch refresh() {
            case .none: break
            case .reloaded: logger.notice("a file was read again", metadata: ["file": "\(path)"])
            case .failed(let reason):
                logger.warning("a file has changed and can't be used", metadata: ["file": "\(path)", "reason": "\(reason)"])
            }
        }
    }

    private static func read(_ path: String) throws(WatchedFileProblem) -> String {
        // Non-blocking, so that a FIFO in a file's place doesn't hang the start.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw WatchedFileProblem("can't be read: \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = chunk.withUnsafeMutableBytes { readSome(descriptor, $0) }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw WatchedFileProblem("can't be read: \(String(cString: strerror(errno)))") }
            if count == 0 { break }
            bytes.append(contentsOf: chunk[..<count])
            guard bytes.count <= limit else { throw WatchedFileProblem("has more than 4MiB") }
        }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw WatchedFileProblem("is not UTF-8 text") }
        return text
    }
}

/// Why a file can't be used, as a sentence's end.
public struct WatchedFileProblem: Error, CustomStringConvertible {
    public let description: String

    /// - Parameter description: What is wrong with it: `line 3 is not NAME KEY`.
    public init(_ description: String) { self.description = description }
}

private func readSome(_ descriptor: CInt, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
    read(descriptor, buffer.baseAddress, buffer.count)
}
