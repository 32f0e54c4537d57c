public import Pipeline

extension EnrolFactory {
    public static let reference = StageReference(
        details: """
            Stands before `mtls` and looks at the protocol that a connection asks for in TLS (ALPN). Who asks for `\(EnrolMessage.protocolName)`, as \
            `fluidity join` does, may send one thing, a code of an invitation with a request for a certificate, and gets one thing, \
            a client's certificate for the name that the invitation says. Everybody else's connection goes on to `mtls` as it came.

            Where the authority's key mustn't lie on the machine that fetches, `desk` names another server with this stage: what \
            enrols is carried there as it is, and the one who joins speaks TLS with the desk itself.

            `fluidity server --new` writes a configuration with this stage, `fluidity invite NAME` makes an invitation.
            """,
        example: """
            - enrol:
                certificate: certs/server.pem
                key: certs/server-key.pem
                ca: certs/ca.pem
                ca-key: certs/ca-key.pem
                invitations: invitations
                agents: agents
            """,
        metrics: Metrics.all,
        notes: [
            "A code counts once, until its time is over, and is kept as its hash.",
            "What the certificate is for, its name and its end says the invitation; a request that asks for more is refused.",
            "A wrong code is answered after a second, and 16 connections on each event loop may enrol at once, 12 of them of one client, or 4 on the way to a desk.",
        ])
}
