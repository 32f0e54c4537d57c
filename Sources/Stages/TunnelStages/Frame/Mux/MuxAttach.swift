package import ConfigurationLanguage
import NIOCore
import Pipeline

/// What an acceptor says of resuming a session, in its HELLO.
package struct MuxOffer: Sendable, Equatable {
    /// The longest address, in bytes.
    static let longestAddress = 255

    /// By what the session is named, and the right to it shown.
    package var token: ResumptionToken
    /// How long the session is kept without a connection, in seconds.
    package var keep: UInt32
    /// Where this very acceptor can be reached; empty where it doesn't know.
    package var address: String

    /// An offer as it is made.
    package init(token: ResumptionToken, keep: UInt32, address: String = "") {
        self.token = token
        self.keep = keep
        self.address = address
    }

    init?(from value: ByteBuffer) {
        var value = value
        guard let token = ResumptionToken(from: &value), let keep = value.readInteger(as: UInt32.self),
            value.readableBytes <= Self.longestAddress,
            value.readableBytesView.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { return nil }
        self.token = token
        self.keep = keep
        address = String(decoding: value.readableBytesView, as: UTF8.self)
    }

    /// The address, if it is one that can be dialled without asking anybody for it; else nil, whatever it says.
    package var place: HostPort? {
        // A link of this machine's, which a zone names, is none of the server's business.
        guard let place = try? HostPort(configured: address), !place.host.contains("%"), IPAddress(host: place.host) != nil else {
            return nil
        }
        return place
    }

    var length: Int { ResumptionToken.length + 4 + address.utf8.count }

    func write(into buffer: inout ByteBuffer) {
        token.write(into: &buffer)
        buffer.writeInteger(keep)
        buffer.writeString(address)
    }
}

/// What an opener says of the session that it wants to go on with, in the HELLO of another connection.
package struct MuxAttach: Sendable, Equatable {
    static let length = ResumptionToken.length + 8

    /// The token that it was given for that session.
    package var token: ResumptionToken
    /// What it has of the acceptor's frames.
    package var position: UInt64

    /// A wish as it is sent.
    package init(token: ResumptionToken, position: UInt64) {
        self.token = token
        self.position = position
    }

    init?(from value: ByteBuffer) {
        var value = value
        guard let token = ResumptionToken(from: &value), let position = value.readInteger(as: UInt64.self),
            value.readableBytes == 0
        else { return nil }
        self.token = token
        self.position = position
    }
}

/// What an acceptor says to a wish to go on with a session.
package enum MuxAttachAnswer: Sendable, Equatable {
    /// The session goes on: what the acceptor has of the opener's frames, and what the session is named by from now on.
    case accepted(position: UInt64, ResumptionToken)
    /// It doesn't, and never will. The connection is a new session's.
    case refused(MuxAttachRefusal)

    init?(from payload: inout ByteBuffer) {
        guard let code = payload.readInteger(as: UInt16.self) else { return nil }
        guard code == 0 else {
            payload.moveReaderIndex(to: payload.writerIndex)
            self = .refused(MuxAttachRefusal(rawValue: code) ?? .unknown)
            return
        }
        guard let position = payload.readInteger(as: UInt64.self), let token = ResumptionToken(from: &payload) else { return nil }
        self = .accepted(position: position, token)
    }

    func write(into buffer: inout ByteBuffer) {
        switch self {
        case .accepted(let position, let token):
            buffer.writeMultipleIntegers(UInt16(0), position)
            token.write(into: &buffer)
        case .refused(let refusal):
            buffer.writeInteger(refusal.rawValue)
        }
    }

    var length: Int {
        switch self {
        case .accepted: 2 + 8 + ResumptionToken.length
        case .refused: 2
        }
    }
}

/// Why a session doesn't go on over another connection.
package enum MuxAttachRefusal: UInt16, Sendable, CaseIterable {
    /// There is no such session: it never was, or it was kept as long as it is, or its server is another process.
    case unknown = 1
    /// It is somebody else's.
    case foreign = 2
    /// Its server takes nothing new.
    case draining = 3
    /// What the opener says that it has was never sent, or isn't kept any more.
    case position = 4

    /// For a person.
    package var words: String {
        switch self {
        case .unknown: "it doesn't know it any more"
        case .foreign: "it is somebody else's"
        case .draining: "it is shutting down"
        case .position: "what was sent can't be found again"
        }
    }

    /// For logs and labels of metrics.
    package var word: String {
        switch self {
        case .unknown: "unknown"
        case .foreign: "foreign"
        case .draining: "draining"
        case .position: "position"
        }
    }
}
