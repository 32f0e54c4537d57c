import NIOCore
import Pipeline
import Platform

/// What a dialer says of its connection.
struct DialerView: Sendable {
    let server: String
    /// There is no server behind it now.
    let isAbsent: Bool
    /// Nil where none is kept open.
    let status: OutboundStatus?

    init(_ dialer: Dialer) {
        server = dialer.serverName
        isAbsent = dialer.standing == .absent
        status = dialer.isSought ? dialer.status : nil
    }
}

/// How the connections to one server are.
struct ServerStatus {
    let name: String
    /// Those that are kept open, and those of them that are.
    var count = 0
    var up = 0
    private var down: String?

    init(name: String) { self.name = name }

    mutating func add(_ view: DialerView) {
        guard let status = view.status else { return }
        count += 1
        switch status {
        case .up: up += 1
        case .down(let since, let to, let reason):
            down = down ?? "the tunnel to \(to) is down since \(Timestamp.utc(since)): \(reason)"
        }
    }

    var problem: String? { down.map { "\($0) (\(up) of \(count) connections are up)" } }

    /// Of one server among several.
    var words: String {
        guard count > 0 else { return "not needed now" }
        return problem ?? "\(up) of \(count) connections are up"
    }

    /// Of the only one.
    func status(of server: ServerAddress) -> StageStatus {
        StageStatus(problem: problem, details: ["server": "\(server)", "connections up": "\(up) of \(count)"])
    }
}
