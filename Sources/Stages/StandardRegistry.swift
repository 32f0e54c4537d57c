public import Pipeline

extension StageRegistry {
    /// The stages that come with the program.
    public static func standard() -> StageRegistry {
        var registry = StageRegistry()
        registry.register(AcceptFactory())
        registry.register(HTTPFactory())
        registry.register(MTLSFactory())
        registry.register(FrameFactory())
        registry.register(ConnectFactory())
        registry.register(FetchFactory())
        registry.register(AccessLogFactory())
        registry.register(RespondFactory())
        registry.register(CompressFactory())
        registry.register(CircuitBreakerFactory())
        registry.register(RetryFactory())
        registry.register(AdminFactory())
        return registry
    }
}
