import HTTPMessages
import LivePage

extension LivePageFile {
    /// The head of the response with it. The policy (W3C, Content Security Policy 3) lets the page load and ask nothing but its own origin,
    /// and nobody frame it.
    var head: ResponseHead {
        let policy =
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
            + "form-action 'none'; frame-ancestors 'none'"
        return ResponseHead(
            status: 200, reason: "OK", body: .known(Int64(bytes.count)),
            fields: HeaderFields([
                ("Content-Type", contentType), ("Content-Security-Policy", policy), ("X-Content-Type-Options", "nosniff"),
                ("Referrer-Policy", "no-referrer"), ("Cross-Origin-Resource-Policy", "same-origin"), ("Cache-Control", "no-store"),
            ]))
    }
}
