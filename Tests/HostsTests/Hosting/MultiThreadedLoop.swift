import Logging
import NIOCore
import NIOPosix

@testable import Pipeline

/// One real loop with a shard on it.
struct MultiThreadedLoop {
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    func shard(_ telemetry: Telemetry) async throws -> NIOLoopBound<Shard> {
        let loop = group.next()
        return try await loop.submit { [group] in
            let shard = Shard(loop: loop, group: group, index: 0, logger: Logger(label: "test"), telemetry: telemetry)
            telemetry.add(shard, generation: 1)
            return NIOLoopBound(shard, eventLoop: loop)
        }.get()
    }

    func end() async throws { try await group.shutdownGracefully() }
}
