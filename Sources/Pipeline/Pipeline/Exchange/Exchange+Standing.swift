public import HTTPMessages
public import NIOCore

/// Who an exchange is from, and where it may go.
extension Exchange {
    /// The connection that the exchange came by.
    public var client: Inbound { standing.client }

    /// The client's connection that it belongs to. Set by the source where one connection serves many clients; nil where it can't tell
    /// them apart, so that nothing which is kept for a connection may be used.
    public var clientConnection: ClientConnection? {
        get { standing.clientConnection }
        set { standing.clientConnection = newValue }
    }

    /// Who the exchange comes from, once a stage has found out. Stages after that one, limits and logs go by it. The connection is
    /// somebody's then.
    public var identity: Identity? {
        get { standing.identity }
        set {
            standing.identity = newValue
            outer?.identity = newValue
            if newValue != nil { client.admit() }
        }
    }

    /// The branch that has taken it, by its name; a branch within a branch as `abroad/france`. Nil where the list has none.
    public var route: String? {
        get { standing.route }
        set {
            standing.route = newValue
            outer?.route = newValue
        }
    }

    /// What the client said to this program to prove who it is. Set by the source, used up by the stage that checks it.
    public var credentials: Credentials? {
        get { standing.credentials }
        set { standing.credentials = newValue }
    }

    /// What this program is to the client. Set by the source.
    public var role: ClientRole {
        get { standing.role }
        set { standing.role = newValue }
    }

    /// Asked for each address that this exchange may be carried to.
    public var addressChecks: [any AddressCheck] {
        get { standing.addressChecks }
        _modify { yield &standing.addressChecks }
    }

    /// Who it is from, for limits, rules and logs: what a stage has found out, else the name in the client's certificate, else
    /// `-`.
    public var clientName: String { standing.clientName }

    /// Why a stage doesn't let the exchange go to an address, or nil where all do.
    public func refusal(of address: SocketAddress) -> Failure? { standing.refusal(of: address) }
}
