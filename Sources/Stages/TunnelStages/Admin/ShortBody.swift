import NIOCore
import Pipeline

/// Reads a request's body that can only be short, and hands it over as a text.
final class ShortBody: ExchangeSink {
    private let exchange: Exchange
    private let limit: Int
    private var bytes: [UInt8] = []
    private var isTooLong = false
    private var done: ((String?) -> Void)?

    private init(_ exchange: Exchange, _ limit: Int, _ done: @escaping (String?) -> Void) {
        self.exchange = exchange
        self.limit = limit
        self.done = done
    }

    /// - Parameter done: Told once, if the client doesn't go before: the text without blanks around it, nil for one that is too long or no UTF-8.
    static func read(from exchange: Exchange, limit: Int, _ done: @escaping (String?) -> Void) {
        exchange.attach(ShortBody(exchange, limit, done))
    }

    override func requestBody(_ bytes: ByteBuffer) {
        if self.bytes.count + bytes.readableBytes > limit { isTooLong = true } else { self.bytes += bytes.readableBytesView }
        exchange.creditRequest(bytes.readableBytes)
        if isTooLong { finish(nil) }
    }

    override func requestEnd(_ trailers: HeaderFields?) {
        finish(isTooLong ? nil : String(validating: bytes, as: UTF8.self)?.split(separator: " ").joined(separator: " "))
    }

    override func requestAborted(_ failure: Failure) { done = nil }

    private func finish(_ text: String?) { done.take()?(text) }
}
