import Dispatch

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// SIGTERM and SIGINT, one after the other. They no longer end the process by themselves.
///
/// Unchecked, because dispatch sources aren't marked Sendable: they are kept here only to live, and not touched again.
final class ShutdownSignals: @unchecked Sendable {
    private let stream: AsyncStream<String>
    private let sources: [any DispatchSourceSignal]

    init() {
        let (stream, continuation) = AsyncStream.makeStream(of: String.self)
        self.stream = stream
        sources = [(SIGTERM, "SIGTERM"), (SIGINT, "SIGINT")].map { number, name in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number)
            source.setEventHandler { continuation.yield(name) }
            source.resume()
            return source
        }
        // A client that goes away while it is written to is an error on its connection, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
    }

    /// The next signal's name, or an empty one when the task is cancelled first.
    func next() async -> String {
        for await name in stream { return name }
        return ""
    }
}
