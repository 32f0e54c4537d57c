import ConfigurationLanguage
import Platform
import Synchronization

/// Looks at PEM files at intervals, so that what is renewed is used without anybody's word. Whoever reads them asks whether they have changed.
final class PEMWatch: Sendable {
    /// How often the files are looked at.
    private static let interval = Duration.seconds(5)

    private let sources: [PEMSource]
    /// The files as they were at the last look.
    private let seen: Mutex<[FileStamp?]>
    private let looking = Mutex<Task<Void, Never>?>(nil)

    /// A first look. Waits for the disk.
    ///
    /// - Parameter sources: Those of them that are texts never change.
    init(_ sources: [PEMSource]) {
        self.sources = sources
        seen = Mutex(Self.stamps(sources))
    }

    /// Whether a file has changed since the last look. Waits for the disk: not for an event loop.
    func hasChanged() -> Bool {
        let now = Self.stamps(sources)
        return seen.withLock { seen in
            defer { seen = now }
            return seen != now
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
