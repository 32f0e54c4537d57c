import HTTPMessages
import NIOCore
import NIOEmbedded
import Pipeline

@testable import TunnelStages

/// Both ends of a tunnel in memory, and the connections between them, which a test cuts.
final class ResumptionLink {
    let agent: TunnelClient<MuxClientPort>
    let server: ResumptionServer
    private var connection: Outbound?
    private var near: EmbeddedChannel?
    private var far: ResumptionServer.Line?
    private var toServer = ByteBuffer()
    private var toAgent = ByteBuffer()

    init(resumes: (agent: Bool, server: Bool) = (true, true)) {
        agent = TunnelClient {
            MuxClientPort(
                configuration: MuxConfiguration(), downstream: $0, shard: $1,
                parking: resumes.agent ? MuxParking(ResumptionSettings()) : nil, disturbance: nil)
        }
        server = ResumptionServer(resumes.server ? ResumptionSettings() : nil, on: agent.loop)
    }

    func connect() throws {
        let (connection, near) = try agent.connect()
        self.connection = connection
        self.near = near
        far = try server.accept()
    }

    /// Some of what is on its way arrives, or all of it.
    func move(_ most: Int = .max) throws {
        var hasMoved = true
        while hasMoved {
            agent.loop.run()
            while var bytes = try near?.readOutbound(as: ByteBuffer.self) { toServer.writeBuffer(&bytes) }
            while var bytes = try far?.channel.readOutbound(as: ByteBuffer.self) { toAgent.writeBuffer(&bytes) }
            hasMoved = false
            if let bytes = toServer.readSlice(length: min(most, toServer.readableBytes)), bytes.readableBytes > 0 {
                try far?.channel.writeInbound(bytes)
                hasMoved = most == .max
            }
            if let bytes = toAgent.readSlice(length: min(most, toAgent.readableBytes)), bytes.readableBytes > 0 {
                try near?.writeInbound(bytes)
                hasMoved = most == .max
            }
        }
        agent.loop.run()
    }

    /// What is on its way is lost. One of the two ends hears of it first.
    func cut(agentFirst: Bool) {
        (toServer, toAgent) = (ByteBuffer(), ByteBuffer())
        if !agentFirst { far?.lose() }
        _ = try? near?.finish(acceptAlreadyClosed: true)
        agent.port.lost(connection, because: nil)
        if agentFirst { far?.lose() }
        (near, far) = (nil, nil)
        agent.loop.run()
    }
}

@available(*, unavailable)
extension ResumptionLink: Sendable {}
