package import HTTPMessages
package import NIOCore

/// What a sink was given of a request, kept while nobody is known to have begun with it: so long it can be given to another sink,
/// should the peer say that it hasn't (RFC 9113, 6.8 and 8.7). Confined to its exchange's loop.
package struct UnbegunRequest {
    /// What is kept of a body, in bytes. Of a longer one nothing is.
    package static let limit = 64 << 10

    /// What was given of the body, or of a tunnel's bytes.
    package private(set) var body = ByteBuffer()
    /// The request's end with its trailers, if that was given too.
    package private(set) var end: HeaderFields??
    /// How many of its bytes have earned credit.
    package private(set) var credited = 0
    /// Whether all of it is kept.
    package private(set) var isWhole = true

    /// Nothing was given yet.
    package init() {}

    /// Notes a part of the body.
    package mutating func append(_ bytes: ByteBuffer) {
        guard isWhole else { return }
        guard body.readableBytes + bytes.readableBytes <= Self.limit else { return forget() }
        if body.readableBytes == 0 {
            // Most bodies are one part, which is kept without a copy.
            body = bytes.isSparse ? bytes.compacted() : bytes
        } else {
            body.writeImmutableBuffer(bytes)
        }
    }

    /// Notes that the client has sent everything.
    package mutating func appendEnd(_ trailers: HeaderFields?) { end = .some(trailers) }

    /// Notes that so many bytes have earned credit.
    package mutating func credit(_ bytes: Int) { credited += bytes }

    /// It has been begun, or can't be kept: it is never given to another.
    package mutating func forget() {
        isWhole = false
        body = ByteBuffer()
    }
}

extension Exchange {
    /// Undoes `attach` for a sink that has had nothing begun. What it was given goes to the next sink that is attached, in front of
    /// what comes in the meantime.
    /// - Returns: False for an exchange that can't begin anew: it has ended, its response has begun, or not all of it is kept.
    package func detach(returning request: UnbegunRequest) -> Bool {
        guard !isFinished, response == nil, request.isWhole else { return false }
        sink = nil
        returned = request
        // What was credited once earns nothing when it is passed on again.
        creditedAhead += request.credited
        requestFlow.isAwaiting = true
        return true
    }

    /// Gives a new sink what the one before was given. What the client sends meanwhile is still held.
    func passReturned(to sink: ExchangeSink) {
        guard let request = returned else { return }
        returned = nil
        if request.body.readableBytes > 0 { sink.requestBody(request.body) }
        guard let trailers = request.end, !isFinished else { return }
        // A sink that gave it back at once knows of no end: that goes along with the rest, or to who has the rest by now.
        if returned != nil { returned?.appendEnd(trailers) } else { self.sink?.requestEnd(trailers) }
    }
}
