import ConfigurationLanguage
import Platform
import Synchronization

/// Looks at PEM files at intervals, so that what is renewed is used without anybody's word. Whoever reads them asks whether they have changed.
final class PEMWatch: Sendable {
    /// How often the files are looked at.
    private static let interval = Duration.seconds(5)

    private struct State {
        /// The files as they were when they were last put to use.
        var used: [FileStamp?]
        /// As they were when that last failed.
        var failed: [FileStamp?]?
    }

    private let sources: [PEMSource]
    private let state: Mutex<State>
    private let looking = Mutex<Task<Void, Never>?>(nil)

    /// A first look. Waits for the disk.
    ///
    /// - Parameter sources: Those of them that are texts never change.
    init(_ sources: [PEMSource]) {
        self.sources = sources
        state = Mutex(State(used: Self.stamps(sources)))
    }

    /// Puts the files to use if one has changed since that last worked. What fails is tried again at every look, for what is in the way needn't
    /// be in a file: it may be whose the file is. Waits for the disk, and for another look that is under way: not for an event loop.
    ///
    /// - Returns: Why it failed, once for each change.
    func look(_ use: () throws -> Void) -> (any Error)? {
        state.withLock { state in
            // Before they are read: a change in between is found by the next look.
            let now = Self.stamps(sources)
            guard state.used != now else { return nil }
            do {
                try use()
                state = State(used: now)
                return nil
            } catch {
                defer { state.failed = now }
                return state.failed == now ? nil : error
            }
        }
    }

    /// From now on `look` is called every five seconds, on no event loop, until `stop`.
    func start(_ look: @escaping @Sendable () -> Void) {
        looking.withLock { looking in
            guard looking == nil else { return }
            looking = Task {
                while true {
                    try? await Task.sleep(for: Self.interval)
                    guard !Task.isCancelled else { return }
                    look()
                }
            }
        }
    }

    func stop() {
        looking.withLock { looking in
            looking?.cancel()
            looking = nil
        }
    }

    private static func stamps(_ sources: [PEMSource]) -> [FileStamp?] {
        sources.map { source in
            guard case .file(let file) = source else { return nil }
            return FileStamp(file.path)
        }
    }
}
