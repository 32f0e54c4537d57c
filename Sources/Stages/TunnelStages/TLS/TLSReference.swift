public import Pipeline

extension TLSFactory {
    public static let reference = StageReference(
        details: """
            TLS as https has it: the server shows a certificate that anybody can verify, the client none. On outgoing connections it is \
            the client's side, on connections the server's; its place in the list decides. It is no replacement for `mtls`, by which agent \
            and server know each other, but what goes around it: `frame, mtls, websocket, tls, connect`.
            """,
        example: """
            - tls:
                certificate: certs/www.pem
                key: certs/www-key.pem
            """,
        metrics: Metrics.all,
        notes: [
            "TLS 1.2 and 1.3 are spoken.",
            "A server is known by a DNS name in its certificate, never by an address or by its common name.",
            "The files are read again when they change, within five seconds, and at SIGHUP. What can't be used leaves the old in use.",
            "In a network that opens TLS, `ca` is the authority of whoever does, unless the system trusts that already. He sees what is within this TLS, which with `mtls` before it is TLS again.",
            "A handshake has 10 s.",
        ])
}
