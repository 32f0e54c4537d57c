import Filters
public import Pipeline

extension WebSocketFactory {
    public static let reference = StageReference(
        details: """
            Carries each connection in the binary messages of a WebSocket (RFC 6455), for networks that look into TLS and let only \
            HTTP pass, and for reverse proxies, CDNs and load balancers that speak nothing else. On outgoing connections it is the \
            client's side, on connections the server's; its place in the list decides.

            On the agent it stands behind `mtls`, and before `tls` where what it dials speaks https: \
            `frame, mtls, websocket, tls, connect`. On the server it stands before `mtls`: `accept, websocket, mtls, frame, fetch` \
            behind a reverse proxy, `accept, tls, websocket, mtls, frame, fetch` without one. So who looks into the outer TLS sees \
            the inner one, which stays between the agent and the server.

            To whoever asks for anything else than the WebSocket the server is a site, of which `site` is the only page.
            """,
        example: """
            - websocket: { path: /tunnel }
            """,
        metrics: Metrics.all + HTTPFactory.Metrics.all + RespondFactory.answers,
        notes: [
            "A WebSocket costs two to fourteen bytes for each 64 KiB, and at either end a pass over what the client sends, for the masking.",
            "Ordinary requests are answered one on each connection, which is closed behind the answer.",
            "Who goes through a reverse proxy comes from its address. A field such as `X-Forwarded-For` isn't believed.",
            "Idle connections are cut by many reverse proxies after a minute. `frame` asks sooner than that whether its peer is there.",
        ])
}
