import Synchronization

/// What the dialers of all loops tell people together of a server: that the tunnel to it is up, and that it is down, once each. That one of
/// several connections comes or goes is no news for anybody.
final class TunnelRecord: Sendable {
    private struct Tunnel {
        var connections = 0
        /// Why it is down, as it was last told.
        var reason: String?
    }

    /// Of so many servers the reasons are remembered: addresses behind a name come and go.
    private static let limit = 256

    private let tunnels = Mutex<[String: Tunnel]>([:])

    init() {}

    /// A connection has come. True if it is the first.
    func came(to server: String) -> Bool {
        tunnels.withLock { tunnels in
            if tunnels[server] == nil { Self.makeRoom(in: &tunnels) }
            tunnels[server, default: Tunnel()].connections += 1
            tunnels[server]?.reason = nil
            return tunnels[server]?.connections == 1
        }
    }

    /// A connection has gone. True if it was the last.
    func went(from server: String, because reason: String) -> Bool {
        tunnels.withLock { tunnels in
            guard var tunnel = tunnels[server], tunnel.connections > 0 else { return false }
            tunnel.connections -= 1
            if tunnel.connections == 0 { tunnel.reason = reason }
            tunnels[server] = tunnel
            return tunnel.connections == 0
        }
    }

    /// An attempt has led nowhere. True if the tunnel is down and nobody has been told that reason.
    func isNews(_ reason: String, of server: String) -> Bool {
        tunnels.withLock { tunnels in
            let tunnel = tunnels[server] ?? Tunnel()
            guard tunnel.connections == 0, tunnel.reason != reason else { return false }
            Self.makeRoom(in: &tunnels)
            tunnels[server] = Tunnel(connections: 0, reason: reason)
            return true
        }
    }

    private static func makeRoom(in tunnels: inout [String: Tunnel]) {
        if tunnels.count >= limit { tunnels = tunnels.filter { $0.value.connections > 0 } }
    }
}
