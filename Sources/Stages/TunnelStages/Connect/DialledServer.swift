import ConfigurationLanguage
import Pipeline

/// Where the server is, and whether it is there, as far as is known.
struct DialledServer {
    let to: ServerAddress
    let presence: ServerPresence?
    /// Where the addresses behind its name are servers of their own: which of them this one is.
    var share: NameShare?

    /// Nil while that isn't known.
    var address: HostPort? {
        if case .discover = to { presence?.address } else { to.known }
    }

    /// For people.
    var name: String { share.map { $0.name.name(of: $0.index) } ?? address.map { "\($0)" } ?? to.description }

    /// To which of its addresses a connection goes.
    ///
    /// - Parameter isSibling: Whether the connection is one beside another's, which goes where that has gone.
    func aim(isSibling: Bool) -> AddressShares.Aim {
        guard let share else { return .name(except: []) }
        guard isSibling else { return share.aim }
        return share.name.address(of: share.index).map { .address($0) } ?? .nowhere
    }

    /// A server that nobody has woken isn't dialled: at its last address may be somebody else's.
    var isWorthDialing: Bool {
        if let share, share.standing == .absent { return false }
        return switch presence?.phase {
        case nil, .waking, .up: true
        case .asleep, .failed: false
        }
    }
}
