import NIOCore
import NIOSSL
import Pipeline

/// Tells by a connection's first message of TLS whether it enrols: by the protocol that it asks for.
struct EnrolReader: FirstBytesReader {
    /// How long the message may take, as a handshake may.
    static let patience = TimeAmount.seconds(10)
    /// In how many pieces it may come. It is looked at anew with each of them; in more, it isn't enrolment's.
    private static let pieces = 32

    let connection: Inbound
    let port: EnrolPort
    private var reads = 0

    init(connection: Inbound, port: EnrolPort) {
        self.connection = connection
        self.port = port
    }

    mutating func read(_ all: ByteBuffer, newest: ByteBuffer) -> FirstBytesDecision {
        reads += 1
        let hello = ClientHello(all)
        guard hello != nil || reads == Self.pieces else { return .wait }
        return give(all, isEnrolment: hello?.protocols == [EnrolMessage.protocolName])
    }

    // TLS says what is wrong with half a message.
    func ended(_ all: ByteBuffer) -> FirstBytesDecision { all.readableBytes > 0 ? give(all, isEnrolment: false) : .wait }

    private func give(_ bytes: ByteBuffer, isEnrolment: Bool) -> FirstBytesDecision {
        .give(bytes) { [connection, port] context in
            switch port.desk {
            case _ where !isEnrolment: try port.downstream.accept(connection)
            case .here(let desk):
                try context.pipeline.syncOperations.addHandlers(
                    NIOSSLServerHandler(context: desk.tls), EnrolHandler(connection: connection, port: port, desk: desk))
            case .at(let address):
                try context.pipeline.syncOperations.addHandler(
                    EnrolRelayHandler(connection: connection, port: port, desk: address))
            }
        }
    }
}
