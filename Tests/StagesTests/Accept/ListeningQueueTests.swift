import ConfigurationLanguage
import Pipeline

@testable import TunnelStages

#if os(Linux)
import Foundation
import Logging
import NIOCore
import NIOPosix
import Testing

/// Connections that come at once wait in the kernel's queue. One that finds the queue full is tried again by the client's system a second
/// later, or refused where it comes by a Unix socket.
@Suite(.timeLimit(.minutes(10))) struct ListeningQueueTests {
    /// More than the library's queue holds, and than any system's default of old.
    private static let burst = 300

    private final class Port: InboundPort {
        var protocols: [String] { [] }
        func accept(_ connection: Inbound) throws {}
    }

    /// Listens, and doesn't accept.
    private static func listen(_ address: ListenAddress, _ telemetry: Telemetry) async throws -> Listener {
        var configuration = AcceptConfiguration()
        configuration.listen = address
        let listener = Listener(configuration: configuration, logger: Logger(label: "test"), isReserved: false)
        let group = MultiThreadedEventLoopGroup.singleton
        let loop = group.any()
        try await loop.submit { [configuration] in
            let shard = Shard(loop: loop, group: group, index: 0, logger: Logger(label: "test"), telemetry: telemetry)
            listener.add(Acceptor(port: Port(), shard: shard, configuration: configuration, places: listener.places))
        }.get()
        try await listener.bind()
        return listener
    }

    /// A connection that is made without waiting, or an error's number.
    private static func connect(to address: SocketAddress) -> (descriptor: CInt, error: CInt) {
        let descriptor = socket(CInt(address.protocol.rawValue), CInt(SOCK_STREAM.rawValue) | CInt(SOCK_NONBLOCK.rawValue), 0)
        let error = address.withSockAddr { Foundation.connect(descriptor, $0, socklen_t($1)) == 0 ? 0 : errno }
        return (descriptor, error)
    }

    private static func isConnected(_ descriptor: CInt) -> Bool {
        var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return poll(&wanted, 1, 10) == 1 && wanted.revents & Int16(POLLERR | POLLHUP) == 0
    }

    @Test(arguments: ["tcp", "unix"], [1, 2]) func aBurstFitsIn(_ kind: String, generations: Int) async throws {
        let most = try String(contentsOfFile: "/proc/sys/net/core/somaxconn", encoding: .utf8)
        guard let most = Int(most.trimmingCharacters(in: .whitespacesAndNewlines)), most >= Self.burst else { return }
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString.prefix(8)).sock").path
        let address = kind == "tcp" ? ListenAddress.tcp(host: "127.0.0.1", port: 0) : .unix(path: path)
        // A reload: the next generation listens on the same socket.
        let telemetry = Telemetry()
        var listeners: [Listener] = []
        for _ in 0..<generations { listeners.append(try await Self.listen(address, telemetry)) }
        let said = listeners[0].status.details.first { $0.name == "address" }
        let port = said?.value.split(separator: ":").last.flatMap { Int($0) }
        let target =
            if kind == "tcp" { try SocketAddress(ipAddress: "127.0.0.1", port: try #require(port)) } else {
                try SocketAddress(unixDomainSocketPath: path)
            }
        var clients: [CInt] = []
        for number in 0..<Self.burst {
            let (descriptor, error) = Self.connect(to: target)
            clients.append(descriptor)
            #expect(error == 0 || error == EINPROGRESS, "connection \(number): \(String(cString: strerror(error)))")
        }
        // Nobody accepts: one for which there is no room is never there, however long it is waited for.
        for client in clients { while !Self.isConnected(client) { await Task.yield() } }
        for client in clients { close(client) }
        for listener in listeners { await listener.stop() }
    }
}
#endif
