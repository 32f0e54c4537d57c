public import Pipeline

extension DetectFactory {
    public static let reference = StageReference(
        details: """
            One port for programs that use an HTTP proxy and for programs that use a SOCKS proxy. `http` and `socks` have the keys of these stages.
            """,
        example: """
            - detect: { http: { keep-alive: 1m }, socks: { authentication: none } }
            """,
        metrics: HTTPFactory.Metrics.all)
}
