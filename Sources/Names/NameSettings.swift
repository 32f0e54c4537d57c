import CCares
import Platform

/// What the system's files say of looking names up, as c-ares reads them.
struct NameSettings: Equatable {
    enum Source: Equatable {
        /// `/etc/hosts`.
        case hosts
        case servers
    }

    private static let files = ["/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/host.conf", "/etc/svc.conf"]

    var search = SearchList()
    var sources: [Source] = [.hosts, .servers]
    private var marks: [FileStamp?]

    /// Nil when a file can't be read, or there is no memory.
    init?() {
        marks = Self.currentMarks
        var channel: ares_channel?
        guard ares_init(&channel) == cares_success, let channel else { return nil }
        defer { ares_destroy(channel) }
        var options = ares_options()
        var mask: CInt = 0
        guard ares_save_options(channel, &options, &mask) == cares_success else { return nil }
        defer { ares_destroy_options(&options) }
        if let domains = options.domains {
            search.domains = (0..<Int(options.ndomains)).compactMap { domains[$0].map { String(cString: $0) } }
        }
        search.dots = Int(options.ndots)
        if let lookups = options.lookups {
            sources = []
            for letter in String(cString: lookups) {
                // Two modules may ask the same: `resolve` and `dns`.
                guard let source: Source = letter == "f" ? .hosts : letter == "b" ? .servers : nil else { continue }
                if !sources.contains(source) { sources.append(source) }
            }
        }
    }

    /// Whether the files are what they were.
    var areCurrent: Bool { marks == Self.currentMarks }

    private static var currentMarks: [FileStamp?] { files.map { FileStamp($0) } }
}
