import NIOCore
import Pipeline

/// Rewrites one response.
final class ReplaceGate: Gate {
    private let port: ReplacePort
    /// Nil until a response has turned out to be one that is rewritten.
    private var replacer: Replacer?

    init(_ port: ReplacePort) {
        self.port = port
        super.init(interests: [.requestHead, .responseHead, .responseBody])
    }

    override func requestHead(_ head: inout RequestHead, _ exchange: Exchange) -> GateDecision {
        head.fields.set("Accept-Encoding", "identity")
        return .forward
    }

    override func responseHead(_ head: inout ResponseHead, _ exchange: Exchange) -> GateDecision {
        guard !head.isInformational, isRewritten(head), !head.isBodyless(for: exchange.request) else { return .forward }
        replacer = Replacer(replacing: port.configuration.word, with: port.configuration.with)
        // Neither the length nor what vouches for the bytes is true any more.
        head.body = .unknown
        head.fields.remove("ETag")
        head.fields.remove("Content-MD5")
        head.fields.remove("Digest")
        return .forward
    }

    override func responseBody(_ bytes: inout ByteBuffer, _ exchange: Exchange) {
        guard let count = replacer?.replace(in: &bytes) else { return }
        port.replaced.add(Int64(count))
    }

    override func responseEnd(_ tail: inout ByteBuffer, _ exchange: Exchange) {
        replacer?.finish(&tail)
    }

    private func isRewritten(_ head: ResponseHead) -> Bool {
        let type = head.fields.first("Content-Type")?.split(separator: ";").first ?? ""
        let name = type.lowercased().filter { $0 != " " }
        return head.status != 206 && !head.fields.contains("Content-Encoding") && port.configuration.types.contains(name)
    }
}
