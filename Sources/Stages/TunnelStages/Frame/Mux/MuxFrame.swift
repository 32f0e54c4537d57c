package import HTTPMessages
package import NIOCore
package import Pipeline

/// One frame of the `mux` protocol, decoded. The bytes of each are specified in `docs/protocol.md`.
package enum MuxFrame: Equatable, Sendable {
    /// HELLO: what the sender says of itself, first and once.
    case hello(MuxSettings)
    /// OPEN: `payload` is a request's head, its length before it, and early data.
    case open(stream: UInt32, payload: ByteBuffer, end: Bool)
    /// HEAD: `payload` is a response's head, still encoded.
    case head(stream: UInt32, payload: ByteBuffer)
    /// REASON: why the sender answers in the origin's place.
    case reason(stream: UInt32, Failure)
    /// A part of a DATA frame, as it came: `end` only with the last part of the last frame. `isEmptyFrame` for a frame that
    /// had no bytes at all.
    case data(stream: UInt32, bytes: ByteBuffer, end: Bool, isEmptyFrame: Bool)
    /// TRAILERS: `payload` is a block of fields, still encoded; it ends the sender's side of the stream.
    case trailers(stream: UInt32, payload: ByteBuffer)
    /// WINDOW: so many bytes more may be sent, on the stream or, with stream 0, in the session.
    case window(stream: UInt32, increment: UInt32)
    /// RESET: the stream is over at once, both ways.
    case reset(stream: UInt32, Failure)
    /// PING: asks for a PONG with the same token.
    case ping(UInt64)
    /// PONG: the answer to a PING, with its token.
    case pong(UInt64)
    /// GOAWAY: the sender takes no streams above `last`.
    case goAway(last: UInt32, Failure)
    /// ACK: what the sender has of the receiver's frames, as a position.
    case acknowledged(UInt64)
    /// ATTACHED: the answer to a HELLO that attaches.
    case attached(MuxAttachAnswer)
    /// A type that this version doesn't know. Skipped.
    case unknown(type: UInt8)

    /// The types of frames, by their numbers.
    package enum Kind: UInt8, CaseIterable {
        /// Says who one is; each side's first frame.
        case hello = 0
        /// Opens a stream with a request's head and early data.
        case open = 1
        /// A response's head.
        case head = 2
        /// Bytes of a body or a tunnel.
        case data = 3
        /// The fields behind a body.
        case trailers = 4
        /// Credit for a stream or for the session.
        case window = 5
        /// Ends a stream at once.
        case reset = 6
        /// Asks whether the peer is there.
        case ping = 7
        /// Answers a PING.
        case pong = 8
        /// Says that no new streams are taken.
        case goAway = 9
        /// Says how much of the other side's frames has come, where the session can be resumed. No part of what it counts.
        case acknowledged = 10
        /// Answers an opener that wants to go on with a session over this connection.
        case attached = 11
        /// Says why an acceptor answers in the origin's place, in front of the answer.
        case reason = 12
    }

    /// The bit of the type byte that ends the sender's side of a stream.
    static let endFlag: UInt8 = 0x80
    static let typeMask: UInt8 = 0x1F
    static let headerLength = 8
    static let acknowledgementLength = headerLength + 8

    /// The largest payload of each type, in bytes.
    static func maximumPayload(_ type: UInt8) -> Int {
        switch Kind(rawValue: type) {
        case .data: MuxLimits.dataPayload
        case .open: MuxLimits.head + 4 + MuxLimits.earlyData
        case .head, .trailers: MuxLimits.head
        default: MuxLimits.controlPayload
        }
    }
}

/// Sizes that are part of version 1 of the protocol, in bytes.
package enum MuxLimits {
    /// The largest payload of DATA.
    package static let dataPayload = 65_536
    /// A head: a target of 16 KiB, fields of 64 KiB, and what belongs to them.
    package static let head = 98_304
    /// The most bytes of a body that OPEN carries behind its head.
    package static let earlyData = 16_384
    /// The largest payload of the frames that carry neither heads nor data.
    package static let controlPayload = 1_024
    static let message = 256
    /// The most credit that a window may have; more is a breach of the protocol.
    package static let maximumWindow = Int(Int32.max)
}

/// What one side says of itself in HELLO.
package struct MuxSettings: Sendable, Equatable {
    /// The version of the protocol that is spoken here.
    package static let version: UInt16 = 1
    static let magic: UInt64 = 0x464C_5549_4449_5459  // "FLUIDITY"

    /// The version that the sender speaks.
    package var version = MuxSettings.version
    /// What each new stream of the peer may send before credit, in bytes.
    package var streamWindow: UInt32
    /// What all streams of the peer together may send before credit, in bytes.
    package var sessionWindow: UInt32
    /// Streams that the peer may have open.
    package var maxStreams: UInt32
    /// What the sender takes beside plain bodies.
    package var offers: BodyCapabilities
    /// Whether requests may say which of the opener's clients they are from.
    package var takesClientNames: Bool
    /// Whether the sender's rate goes by what arrives, and not by what is lost.
    package var keepsRate = false
    /// Whether the two ends have one story of an exchange: an acceptor takes its id with the request, an opener takes REASON.
    package var correlates = false
    /// Whether the sender knows how sessions are resumed.
    package var resumes = false
    /// By what the acceptor lets the session be resumed, if it does.
    package var offer: MuxOffer?
    /// The session that the opener wants to go on with.
    package var attach: MuxAttach?

    /// The settings of a sender that speaks this version.
    package init(
        streamWindow: UInt32, sessionWindow: UInt32, maxStreams: UInt32, offers: BodyCapabilities = [],
        takesClientNames: Bool = false
    ) {
        self.offers = offers
        self.takesClientNames = takesClientNames
        self.streamWindow = streamWindow
        self.sessionWindow = sessionWindow
        self.maxStreams = maxStreams
    }

    init?(from payload: ByteBuffer) {
        var payload = payload
        guard let (magic, version) = payload.readMultipleIntegers(as: (UInt64, UInt16).self), magic == Self.magic,
            let (stream, session, streams) = payload.readMultipleIntegers(as: (UInt32, UInt32, UInt32).self)
        else { return nil }
        self.version = version
        streamWindow = stream
        sessionWindow = session
        maxStreams = streams
        offers = []
        takesClientNames = false
        // Extensions: a 16-bit number, a 16-bit length, bytes. Unknown ones are skipped; all must be well-formed.
        while payload.readableBytes > 0 {
            guard let (number, length) = payload.readMultipleIntegers(as: (UInt16, UInt16).self),
                let value = payload.readSlice(length: Int(length))
            else { return nil }
            if number == Self.codingsExtension, value.readableBytesView.contains(Self.deflateCoding) { offers.insert(.deflate) }
            if number == Self.clientNamesExtension { takesClientNames = true }
            if number == Self.keepsRateExtension { keepsRate = true }
            if number == Self.correlationExtension { correlates = true }
            if number == Self.resumptionExtension {
                resumes = true
                guard value.readableBytes > 0 else { continue }
                guard let offer = MuxOffer(from: value) else { return nil }
                self.offer = offer
            }
            if number == Self.attachExtension {
                guard let attach = MuxAttach(from: value) else { return nil }
                self.attach = attach
            }
        }
    }

    static let codingsExtension: UInt16 = 1
    static let clientNamesExtension: UInt16 = 2
    static let resumptionExtension: UInt16 = 3
    static let attachExtension: UInt16 = 4
    static let keepsRateExtension: UInt16 = 5
    static let correlationExtension: UInt16 = 6
    static let deflateCoding: UInt8 = 1
}
