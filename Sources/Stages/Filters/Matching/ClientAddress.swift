import HTTPMessages
import NIOCore
import Pipeline

extension Inbound {
    /// Where the connection came from, without the port: what people know a client by who has no name. `unix` for a socket in
    /// the file system.
    var address: String {
        guard remote != "unix" else { return remote }
        return Authority(remote)?.host ?? remote
    }
}
