public import Pipeline

extension HeadersFactory {
    public static let reference = StageReference(
        details: """
            Changes fields of requests and responses: rename, remove, set, add, in this order. Values may have `{identity}`, `{client}` and
            `{request-id}` in them.
            """,
        example: """
            - headers:
                request: { remove: [Cookie2], set: { X-Request-Id: "{request-id}" } }
            """,
        notes: [
            "By default nothing is said of the client's address: the exit reveals nothing of its users."
        ])
}
