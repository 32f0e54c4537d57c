public import Pipeline

extension ForwardFactory {
    public static let reference = StageReference(
        details: """
            Takes the place of `http` for programs that know of no proxy: a database's client, a mail program. Each connection becomes a tunnel
            to the same place, as if its client had asked for it with CONNECT, so that filters, rules, limits and logs see it.

            With `entrances`, one program has a proxy's port and fixed ways beside it, over the same tunnel.
            """,
        example: """
            - forward: { to: "db.internal:5432" }
            """,
        notes: [
            "The place is reached for each connection as soon as it is there, for servers that speak first.",
            "Where there is no way to it, the client's connection is reset. Why is in the log.",
            "A client that closes its half early is heard out: what it has sent reaches the place.",
        ])
}
