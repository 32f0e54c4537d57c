import Addresses
package import ConfigurationLanguage
package import HTTPMessages
package import NIOCore

/// What a SOCKS5 client and this program say to each other before the bytes of a connection (RFC 1928, RFC 1929): bytes in,
/// steps out.
package struct SOCKSNegotiation: Sendable {
    /// What is to be done next.
    package enum Step: Sendable, Equatable {
        /// To be sent; the next step may be there already.
        case send(ByteBuffer)
        /// The client wants a connection to this host and port, and waits for a reply. What follows is no more SOCKS.
        case connect(Authority)
        /// To be sent, and the connection ended: a sentence says why.
        case refuse(ByteBuffer, String)
    }

    /// What clients have to show.
    package enum Authentication: Sendable {
        /// A client that offers a user and a password is asked for them.
        case optional
        /// No client is asked for a user.
        case none
        /// Clients that offer no user and password are refused.
        case password
    }

    /// What a client said of itself.
    package struct User: Sendable, Equatable {
        /// The user's name (RFC 1929).
        package var name: String
        /// The user's password (RFC 1929).
        package var password: Secret

        /// What the client's message had in it, not yet checked.
        package init(name: String, password: Secret) {
            self.name = name
            self.password = password
        }
    }

    private enum State {
        case methods
        case user
        case request
        case over
    }

    /// What the client said of itself; nil if it wasn't asked, or not yet.
    package private(set) var user: User?
    private let authentication: Authentication
    private var state = State.methods
    private var input = ByteBuffer()

    /// A negotiation at the start of a connection.
    package init(_ authentication: Authentication) {
        self.authentication = authentication
    }

    /// A message has 513 bytes at most (RFC 1929); more than one can't be waiting, but what a client sends ahead may follow.
    package mutating func append(_ bytes: ByteBuffer) {
        input.writeImmutableBuffer(bytes)
    }

    /// Takes out what was read behind the request.
    package mutating func takeRest() -> ByteBuffer {
        defer { input = ByteBuffer() }
        return input
    }

    /// How many bytes are held that no step has taken.
    package var bufferedBytes: Int { input.readableBytes }

    /// The next step, or nil if more bytes are needed.
    package mutating func next() -> Step? {
        switch state {
        case .methods: chooseMethod()
        case .user: readUser()
        case .request: readRequest()
        case .over: nil
        }
    }

    // MARK: - Messages

    private mutating func chooseMethod() -> Step? {
        guard let version = input.byte(0) else { return nil }
        guard version == 5 else {
            return stop(ByteBuffer(), version == 4 ? "SOCKS4 is not spoken here, SOCKS5 is" : "this is no SOCKS5")
        }
        guard let count = input.byte(1), let methods = input.slice(2, Int(count)) else { return nil }
        input.moveReaderIndex(forwardBy: 2 + Int(count))
        let offered = methods.readableBytesView
        let takesPassword = offered.contains(Method.password) && authentication != .none
        if takesPassword {
            state = .user
            return .send(ByteBuffer(bytes: [5, Method.password]))
        }
        guard offered.contains(Method.none), authentication != .password else {
            let wanted =
                authentication == .password ? "a user and a password are wanted" : "the client offers no method that is known"
            return stop(ByteBuffer(bytes: [5, Method.unacceptable]), wanted)
        }
        state = .request
        return .send(ByteBuffer(bytes: [5, Method.none]))
    }

    private mutating func readUser() -> Step? {
        guard let version = input.byte(0) else { return nil }
        guard version == 1 else { return stop(ByteBuffer(bytes: [1, 1]), "the user and the password came in an unknown form") }
        guard let nameLength = input.byte(1), let passwordLength = input.byte(2 + Int(nameLength)),
            let name = input.slice(2, Int(nameLength)),
            let password = input.slice(3 + Int(nameLength), Int(passwordLength))
        else { return nil }
        input.moveReaderIndex(forwardBy: 3 + Int(nameLength) + Int(passwordLength))
        // Made texts of, different bytes would be the same.
        guard let name = String(validating: name.readableBytesView, as: UTF8.self),
            let password = String(validating: password.readableBytesView, as: UTF8.self)
        else { return stop(ByteBuffer(bytes: [1, 1]), "the user or the password is not UTF-8 text") }
        user = User(name: name, password: Secret(password))
        state = .request
        // Whether they are right another stage says, to the request.
        return .send(ByteBuffer(bytes: [1, 0]))
    }

    private mutating func readRequest() -> Step? {
        guard let version = input.byte(0) else { return nil }
        guard version == 5 else { return refuse(.generalFailure, "the request is no SOCKS5") }
        guard let command = input.byte(1), let type = input.byte(3) else { return nil }
        let length: Int
        let start: Int
        switch type {
        case 1: (start, length) = (4, 4)
        case 4: (start, length) = (4, 16)
        case 3:
            guard let count = input.byte(4) else { return nil }
            (start, length) = (5, Int(count))
        default: return refuse(.addressTypeNotSupported, "the address is of an unknown type")
        }
        guard let address = input.slice(start, length), let port = input.port(start + length) else { return nil }
        input.moveReaderIndex(forwardBy: start + length + 2)
        switch command {
        case 1: break
        case 2: return refuse(.commandNotSupported, "BIND is not supported")
        case 3: return refuse(.commandNotSupported, "UDP is not supported")
        default: return refuse(.commandNotSupported, "the command is unknown")
        }
        guard let authority = Self.authority(type, address, port) else {
            return refuse(.generalFailure, "the address is no host and port")
        }
        state = .over
        return .connect(authority)
    }

    private static func authority(_ type: UInt8, _ address: ByteBuffer, _ port: Int) -> Authority? {
        guard port > 0 else { return nil }
        guard type == 3 else {
            guard let ip = try? SocketAddress(packedIPAddress: address, port: port).ipAddress else { return nil }
            return Authority(host: ip, port: port)
        }
        // Programs put addresses in place of names too, an IPv6 one with or without its brackets.
        let name = String(buffer: address)
        if name.contains(":"), IPAddress(name) != nil { return Authority(host: name, port: port) }
        guard let authority = Authority(name), authority.port == nil else { return nil }
        return Authority(host: authority.host, port: port)
    }

    private mutating func refuse(_ reply: SOCKSReply, _ reason: String) -> Step {
        stop(reply.message, reason)
    }

    private mutating func stop(_ reply: ByteBuffer, _ reason: String) -> Step {
        state = .over
        input = ByteBuffer()
        return .refuse(reply, reason)
    }

    private enum Method {
        static let none: UInt8 = 0
        static let password: UInt8 = 2
        static let unacceptable: UInt8 = 0xFF
    }
}

extension ByteBuffer {
    fileprivate func byte(_ offset: Int) -> UInt8? { getInteger(at: readerIndex + offset) }

    fileprivate func port(_ offset: Int) -> Int? {
        (getInteger(at: readerIndex + offset) as UInt16?).map(Int.init)
    }

    fileprivate func slice(_ offset: Int, _ length: Int) -> ByteBuffer? { getSlice(at: readerIndex + offset, length: length) }
}
