public import Pipeline

extension SOCKSFactory {
    public static let reference = StageReference(
        details: """
            Takes the place of `http` for programs that speak SOCKS5. Each connection becomes a tunnel to where its client wants to go. `auth`
            behind it checks users and passwords.
            """,
        example: """
            - socks: { authentication: password }
            """,
        notes: [
            "Names are resolved where the tunnel ends."
        ])
}
