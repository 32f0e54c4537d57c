import Filters
package import Pipeline

extension StageRegistry {
    /// Those of pipelines that answer events by themselves, in a function: what takes events in, every filter, and what answers.
    /// They are fewer, for a program of these alone is smaller.
    package static func handlers() -> StageRegistry {
        var registry = StageRegistry()
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
        registry.register(RouteFactory())
        return registry
    }
}
