public import Pipeline

extension ECSServiceFactory {
    public static let reference = StageReference(
        details: """
            The sink of the control plane: starts the ECS service that the tunnel's server is, puts it to sleep when nobody uses it, ends it, or says
            how it is. In a Lambda function it stands behind `lambda`; with `accept` and `http` it is an ordinary server.
            """,
        example: """
            - ecs-service: { action: wake, cluster: tunnels, service: server, region: eu-central-1 }
            """)
}
