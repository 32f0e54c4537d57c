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

    /// - Parameter address: Where the server says that it can be reached itself.
    init(resumes: (agent: Bool, server: Bool) = (true, true), address: String? = nil) {
        agent = TunnelClient {
            MuxClientPort(
                configuration: MuxConfiguration(), downstream: $0, shard: $1,
                parking: resumes.agent ? MuxParking(ResumptionSettings()) : nil, disturbance: nil)
        }
        var settings = ResumptionSettings()
        settings.address = address
        server = ResumptionServer(resumes.server ? settings : nil, on: agent.loop)
    }

    func connect() throws {
        let (connection, near) = try agent.connect()
        self.connection = connection
        self.near = near
        far = try server.accept()
    }

    /// An attempt to connect fails.
    func fail(isDetour: Bool, _ error: any Error) throws {
        let channel = EmbeddedChannel(loop: agent.loop)
        let connection = Outbound(channel: channel, host: "server.example")
        connection.isDetour = isDetour
        try agent.port.configure(connection)
        _ = try? channel.finish(acceptAlreadyClosed: true)
        agent.port.lost(nil, because: error)
        agent.loop.run()
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
