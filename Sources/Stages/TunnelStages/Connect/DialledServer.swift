import ConfigurationLanguage
import Pipeline

/// Where the server is, and whether it is there, as far as is known.
struct DialledServer {
    let to: ServerAddress
    let presence: ServerPresence?

    /// Nil while that isn't known.
    var address: HostPort? {
        if case .discover = to { presence?.address } else { to.known }
    }

    /// For people.
    var name: String { address.map { "\($0)" } ?? to.description }

    /// A server that nobody has woken isn't dialled: at its last address may be somebody else's.
    var isWorthDialing: Bool {
        switch presence?.phase {
        case nil, .waking, .up: true
        case .asleep, .failed: false
        }
    }
}
