import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What makes an agent lose its connections, for tests: `FLUIDITY_TEST_TUNNEL_LIFETIME=200` resets each after 200 ms.
struct TunnelDisturbance: Sendable {
    /// Fired through a connection's pipeline when it is to be lost.
    struct Event: Sendable {}

    /// How long a connection lasts.
    let interval: TimeAmount

    /// What the environment says, as it was when this was first asked.
    static let process: TunnelDisturbance? = {
        guard let text = getenv("FLUIDITY_TEST_TUNNEL_LIFETIME").map({ String(cString: $0) }), let milliseconds = Int64(text),
            (1...86_400_000).contains(milliseconds)
        else { return nil }
        return TunnelDisturbance(interval: .milliseconds(milliseconds))
    }()
}
