import HTTPMessages
import NIOCore

/// Writes a connection's responses, one after the other. A class for the reason that `BodyWriter` is one.
final class HTTPResponseWriter {
    let body: BodyWriter
    private let output: ChannelOutput
    private var isTunnel = false

    init(_ output: ChannelOutput) {
        self.output = output
        self.body = BodyWriter(output)
    }

    func reset() {
        body.begin(.none)
        isTunnel = false
    }

    func head(_ head: ResponseHead, to request: RequestHead, minorVersion: Int, keepAlive: Bool, date: String?) {
        body.begin(
            output.gather {
                HTTP1Writer.response(head, to: request, minorVersion: minorVersion, keepAlive: keepAlive, date: date, into: &$0)
            })
        isTunnel = head.opensTunnel(for: request)
        // An informational response is of use only now.
        if head.isInformational { output.flush() }
    }

    /// False when the body is longer than its head said.
    func write(_ bytes: ByteBuffer) -> Bool {
        guard isTunnel else { return body.write(bytes) }
        output.write(bytes)
        return true
    }
}
