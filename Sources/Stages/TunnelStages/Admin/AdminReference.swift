public import Pipeline

extension AdminFactory {
    public static let reference = StageReference(
        details: """
            The sink of the admin listener, which the key `admin` of a file starts. It can also stand in a list of its own, behind
            `accept` and `http` in `mode: origin`.
            """,
        example: """
            - admin
            """,
        notes: [
            "It listens on loopback only, unless the file says otherwise: whoever reaches it sees how the pipeline is put together."
        ])
}
