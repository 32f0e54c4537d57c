public import Pipeline

extension LambdaFactory {
    public static let reference = StageReference(
        details: """
            The source of a Lambda function: each event becomes an exchange, and its response the function's result. Events of API Gateway, function
            URLs and EventBridge are understood; others are requests with the event as their body.
            """,
        example: """
            - lambda
            """)
}
