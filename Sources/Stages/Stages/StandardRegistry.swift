import ControlStages
public import Pipeline
import TunnelStages

extension StageRegistry {
    /// The stages that come with the program.
    public static func standard() -> StageRegistry {
        var registry = StageRegistry()
        registry.register(AcceptFactory())
        registry.register(HTTPFactory())
        registry.register(SOCKSFactory())
        registry.register(DetectFactory())
        registry.register(ForwardFactory())
        registry.register(EntrancesFactory())
        registry.register(EnrolFactory())
        registry.register(MTLSFactory())
        registry.register(TLSFactory())
        registry.register(WebSocketFactory())
        registry.register(FrameFactory())
        registry.register(ConnectFactory())
        registry.register(FetchFactory())
        for factory in handlers().factories { registry.register(factory) }
        registry.register(AdminFactory())
        return registry
    }
}
