import Pipeline

/// The protocol of docs/protocol.md, between two ends of this program.
struct MuxCodec: TunnelCodec {
    static let protocols = ["fluidity/1"]
    /// Either end may have bodies deflated on their way.
    static let traits: StageTraits = .carriesDeflated

    private let configuration: MuxConfiguration
    /// What is shared by the sessions of all loops, where they can be resumed.
    private let parking: MuxParking?
    /// Of an opener whose sessions can be resumed.
    private let path: PathWatch?

    init(_ settings: SessionSettings) {
        configuration = MuxConfiguration(settings)
        parking = settings.resumption.map(MuxParking.init)
        path = settings.resumption.map { _ in PathWatch() }
    }

    func client(_ downstream: any OutboundPort, on shard: Shard) -> any TunnelClient {
        MuxSpreadPort(downstream: downstream, shard: shard) { port, meter in
            MuxClientPort(configuration: configuration, downstream: port, shard: shard, meter: meter, parking: parking, path: path)
        }
    }

    func server(_ downstream: any ExchangePort, on shard: Shard) -> any InboundPort {
        MuxServerPort(configuration: configuration, downstream: downstream, shard: shard, parking: parking)
    }

    func drain() { parking?.drain() }
}
