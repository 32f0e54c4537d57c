import ControlStages
public import Pipeline

extension StageRegistry {
    /// The stages that come with the program.
    public static func standard() -> StageRegistry {
        var registry = StageRegistry()
        registry.register(AcceptFactory())
        registry.register(HTTPFactory())
        registry.register(SOCKSFactory())
        registry.register(DetectFactory())
        registry.register(MTLSFactory())
        registry.register(FrameFactory())
        registry.register(ConnectFactory())
        registry.register(FetchFactory())
        registry.register(AccessLogFactory())
        registry.register(RespondFactory())
        registry.register(CompressFactory())
        registry.register(CircuitBreakerFactory())
        registry.register(RetryFactory())
        registry.register(FaultFactory())
        registry.register(ECSServiceFactory())
        registry.register(LambdaFactory())
        registry.register(MetricsFactory())
        registry.register(AuthFactory())
        registry.register(EgressFactory())
        registry.register(HeadersFactory())
        registry.register(RateLimitFactory())
        registry.register(AdminFactory())
        return registry
    }
}
