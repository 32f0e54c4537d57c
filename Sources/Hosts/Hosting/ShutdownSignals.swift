import Dispatch
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// SIGTERM and SIGINT, one after the other, and SIGHUP by itself. They no longer end the process by themselves.
///
/// SIGHUP has two meanings: a service is to read its configuration again, and a program's terminal was closed. It is the latter for a process
/// that was started from a terminal which is gone now, unless whoever started it had it ignored, as nohup does.
///
/// What handles a signal writes its number to a pipe, and a dispatch source reads from there. A dispatch source for the signal
/// itself would lose one: until it is set up, a moment after it was asked for, the signal has to be ignored.
final class ShutdownSignals: Sendable {
    private let stream: AsyncStream<String>
    /// One element for each SIGHUP, or for several that came close together.
    let hangups: AsyncStream<Void>
    /// Kept to live as long as this.
    private let source: Mutex<any DispatchSourceRead>

    init() {
        let (stream, continuation) = AsyncStream.makeStream(of: String.self)
        self.stream = stream
        let (hangups, hangup) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        self.hangups = hangups
        let reading = SignalPipe.ends.reading
        let terminal = Self.ignoresHangups ? nil : ControllingTerminal()
        let source = DispatchSource.makeReadSource(fileDescriptor: reading)
        source.setEventHandler {
            var numbers = [UInt8](repeating: 0, count: 16)
            let count = read(reading, &numbers, numbers.count)
            for number in numbers.prefix(max(0, count)) {
                switch CInt(number) {
                case SIGHUP where terminal?.isGone == true: continuation.yield("SIGHUP, as the terminal was closed")
                case SIGHUP: hangup.yield()
                case SIGINT: continuation.yield("SIGINT")
                default: continuation.yield("SIGTERM")
                }
            }
        }
        source.resume()
        self.source = Mutex(source)
        for number in [SIGTERM, SIGINT, SIGHUP] {
            signal(number) { number in
                let interrupted = errno
                var byte = UInt8(truncatingIfNeeded: number)
                _ = write(SignalPipe.ends.writing, &byte, 1)
                errno = interrupted
            }
        }
        // A client that goes away while it is written to is an error on its connection, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
    }

    /// Whether whoever started this process wants it to live on when its terminal is closed.
    private static var ignoresHangups: Bool {
        let before = signal(SIGHUP, SIG_IGN)
        // SIG_IGN is the number 1 in place of a function's address, which can't be compared.
        return unsafeBitCast(before, to: Int.self) == 1
    }

    /// The next signal's name, or an empty one when the task is cancelled first.
    func next() async -> String {
        for await name in stream { return name }
        return ""
    }
}

/// From the handlers of signals, which may do hardly anything, to where they are answered. Made before there is a handler.
private enum SignalPipe {
    static let ends: (reading: CInt, writing: CInt) = {
        var ends: [CInt] = [-1, -1]
        guard pipe(&ends) == 0 else { return (-1, -1) }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        return (ends[0], ends[1])
    }()
}
