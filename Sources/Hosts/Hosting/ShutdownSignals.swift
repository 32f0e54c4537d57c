import Dispatch

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// SIGTERM and SIGINT, one after the other, and SIGHUP by itself. They no longer end the process by themselves.
///
/// Unchecked, because dispatch sources aren't marked Sendable: they are kept here only to live, and not touched again.
final class ShutdownSignals: @unchecked Sendable {
    private let stream: AsyncStream<String>
    /// One element for each SIGHUP, or for several that came close together.
    let hangups: AsyncStream<Void>
    private let sources: [any DispatchSourceSignal]

    init() {
        let (stream, continuation) = AsyncStream.makeStream(of: String.self)
        self.stream = stream
        let (hangups, hangup) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        self.hangups = hangups
        sources = [
            Self.watch(SIGTERM) { continuation.yield("SIGTERM") }, Self.watch(SIGINT) { continuation.yield("SIGINT") },
            Self.watch(SIGHUP) { hangup.yield() },
        ]
        // A client that goes away while it is written to is an error on its connection, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
    }

    private static func watch(_ number: CInt, _ handle: @escaping @Sendable () -> Void) -> any DispatchSourceSignal {
        signal(number, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: number)
        source.setEventHandler(handler: handle)
        source.resume()
        return source
    }

    /// The next signal's name, or an empty one when the task is cancelled first.
    func next() async -> String {
        for await name in stream { return name }
        return ""
    }
}
