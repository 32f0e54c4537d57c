import HTTPMessages
import NIOCore
import Pipeline

/// One way to prove who one is. Shared by all loops; `check` runs on the exchange's.
protocol AuthMethod: Sendable {
    var name: String { get }
    /// What a client is told that it can do: `Basic realm="…"`. Nil for what no client can do when told.
    var challenge: String? { get }
    /// A field of requests that only this method is to see.
    var header: String? { get }
    /// Whether it reads `Authorization` at an origin.
    var readsAuthorization: Bool { get }

    func check(_ evidence: AuthEvidence, on loop: any EventLoop) -> AuthOutcome
    /// Reads what is needed before the first exchange comes.
    func start() async throws(StageError)
    /// Called about once a second, in the background: reads again what has changed. The result is for the log.
    func refresh() async -> [AuthNotice]
}

extension AuthMethod {
    var challenge: String? { nil }
    var header: String? { nil }
    var readsAuthorization: Bool { false }
    func start() async throws(StageError) {}
    func refresh() async -> [AuthNotice] { [] }
}

/// Something that happened in the background.
struct AuthNotice: Sendable, Equatable {
    var message: String
    var isProblem: Bool
}

extension WatchedFile {
    /// Reads the file again if it has changed, and says so.
    func notices() -> [AuthNotice] {
        switch refresh() {
        case .none: []
        case .reloaded: [AuthNotice(message: "\(path) was read again", isProblem: false)]
        case .failed(let reason): [AuthNotice(message: "\(path) has changed and can't be used: \(reason)", isProblem: true)]
        }
    }
}

/// What an exchange came with that may prove something.
struct AuthEvidence {
    var peer: PeerIdentity?
    /// What is in `Proxy-Authorization` or, at an origin, in `Authorization`.
    var authorization: String?
    /// From SOCKS5.
    var password: (user: String, password: String)?
    /// Of the request, where a method has a field of its own to look for.
    var fields: HeaderFields
    /// Whose it is, and what is known of all such.
    var client: ClientKey
    var clients: AuthClients

    /// The credentials for a scheme, from the field that a method was given, else from where clients put them.
    ///
    /// - Parameter scheme: letters alone, which are compared without case.
    /// - Parameter bare: whether a field of its own may have them without the scheme's name.
    func credentials(_ scheme: StaticString, in header: String?, bare: Bool = false) -> Substring? {
        guard let found = header.map({ fields.first($0) }) ?? authorization else { return nil }
        guard let space = found.utf8.firstIndex(of: UInt8(ascii: " ")) else { return bare && header != nil ? found[...] : nil }
        let isMeant = scheme.withUTF8Buffer { found.utf8[..<space].elementsEqual($0) { $0 | 0x20 == $1 | 0x20 } }
        guard isMeant, let start = found.utf8[space...].firstIndex(where: { $0 != UInt8(ascii: " ") }) else { return nil }
        return found[start...]
    }
}

/// What a method made of the evidence.
enum AuthOutcome: Sendable {
    /// There is nothing for this method.
    case absent
    case accepted(Identity)
    /// Not one of those who are let in, which is nobody's guess.
    case unmatched
    /// Wrong, and perhaps a guess.
    case wrong
    /// Refused, whatever other methods say.
    case denied
    /// It can't be checked now.
    case unavailable
    /// It is being found out. Who doesn't want to know any longer gives up the ticket.
    case pending(EventLoopFuture<AuthOutcome>, SlowWork.Ticket)
}
