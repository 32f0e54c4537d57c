public import Pipeline

extension LambdaFactory {
    public static let reference = StageReference(
        details: """
            The source of a Lambda function: each event becomes an exchange, and its response the function's result. Events of API Gateway, function
            URLs and EventBridge are understood; others are requests with the event as their body.

            Who may invoke the function by its name is IAM's business. An HTTP request counts as authenticated where its event says that AWS
            checked: an API key of a REST API, IAM, an authorizer. A function URL or HTTP API that was set up without one is open to everybody
            who knows its address, so such requests need `api-key` and are refused (403) without it.
            """,
        example: """
            - lambda: { api-key: "${env:FLUIDITY_CONTROL_KEY:-}" }
            """)
}
