import CCares
import NIOCore
import Pipeline

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A channel of c-ares: sockets to the name servers, and the questions that are under way on them. It belongs to the thread of c-ares.
final class CaresChannel {
    /// How long a name server has to answer at first, in milliseconds; then twice as long, and again.
    private static let firstTimeout: CInt = 1_500
    private static let tries: CInt = 3
    /// More of a family aren't taken from one answer.
    private static let addressLimit = 16

    let settings: NameSettings
    let servers: [NameServer]
    /// Which of the name servers is asked first, by its place in the list.
    let first: Int
    /// How many there are, the system's included.
    private(set) var serverCount = 0
    /// What c-ares wants to hear of its sockets.
    fileprivate(set) var sockets: [CInt: Int16] = [:]
    /// Look-ups that are here and wanted.
    var lookups = 0
    /// Questions that c-ares hasn't ended.
    private(set) var questions = 0
    private var channel: ares_channel?
    /// Those to whom c-ares has brought something.
    private var changed: [NameLookup] = []
    /// How many name servers had not answered when one did, if any.
    private var timeouts: Int?

    /// Nil when the system's configuration can't be read, or there is no memory.
    init?(_ settings: NameSettings, servers: [NameServer], first: Int) {
        self.settings = settings
        self.servers = servers
        self.first = first
        var options = ares_options()
        options.timeout = Self.firstTimeout
        options.tries = Self.tries
        // The search list is gone through here, with both families together.
        options.ndomains = 0
        options.sock_state_cb = { context, socket, wantsToRead, wantsToWrite in
            guard let context else { return }
            let channel = Unmanaged<CaresChannel>.fromOpaque(context).takeUnretainedValue()
            let events = (wantsToRead != 0 ? Int16(POLLIN) : 0) | (wantsToWrite != 0 ? Int16(POLLOUT) : 0)
            channel.sockets[socket] = events == 0 ? nil : events
        }
        // It lives as long as the channel of c-ares, which its end destroys.
        options.sock_state_cb_data = Unmanaged.passUnretained(self).toOpaque()
        let mask =
            cares_option_timeout | cares_option_tries | cares_option_lookups | cares_option_domains | cares_option_socket_state
        let status = "b".withCString { lookups in
            // Copied by c-ares.
            options.lookups = UnsafeMutablePointer(mutating: lookups)
            return ares_init_options(&channel, &options, mask)
        }
        guard status == cares_success else { return nil }
        guard servers.isEmpty || ares_set_servers_ports_csv(channel, servers.map(\.text).joined(separator: ",")) == cares_success
        else { return nil }
        rotateServers()
    }

    /// Brings the name server to the front that is asked first.
    private func rotateServers() {
        var list: UnsafeMutablePointer<ares_addr_port_node>?
        guard ares_get_servers_ports(channel, &list) == cares_success, let head = list else { return }
        var nodes: [UnsafeMutablePointer<ares_addr_port_node>] = []
        for node in sequence(first: head, next: { $0.pointee.next }) { nodes.append(node) }
        serverCount = nodes.count
        let start = first % nodes.count
        guard start > 0, let tail = nodes.last else { return ares_free_data(head) }
        tail.pointee.next = head
        nodes[start - 1].pointee.next = nil
        _ = ares_set_servers_ports(channel, nodes[start])
        ares_free_data(nodes[start])
    }

    deinit {
        if let channel { ares_destroy(channel) }
    }

    // MARK: - Questions

    /// Asks for a name's addresses of a family. The answer is in the look-up when `takeChanged` names it, perhaps at once.
    func ask(_ name: String, _ family: IPAddress.Family, for lookup: NameLookup) {
        var hints = ares_addrinfo_hints()
        hints.ai_family = family == .v4 ? AF_INET : AF_INET6
        hints.ai_flags = cares_hint_no_sort
        let context = Unmanaged.passRetained(Context(channel: self, lookup: lookup, family: family, round: lookup.round))
        questions += 1
        ares_getaddrinfo(
            channel, name, nil, &hints,
            { context, status, timeouts, list in
                guard let context else { return }
                let asked = Unmanaged<Context>.fromOpaque(context).takeRetainedValue()
                let answer = CaresAnswer.take(status, list, atMost: CaresChannel.addressLimit)
                asked.channel.answered(asked, answer, behind: Int(timeouts))
            }, context.toOpaque())
    }

    private func answered(_ asked: Context, _ answer: FamilyAnswers.Answer, behind timeouts: Int) {
        questions -= 1
        if timeouts > 0, answer.isSaidByServer { self.timeouts = timeouts }
        guard !asked.lookup.isOver, asked.lookup.round == asked.round else { return }
        asked.lookup.heard(answer, of: asked.family)
        changed.append(asked.lookup)
    }

    func takeChanged() -> [NameLookup] {
        defer { changed = [] }
        return changed
    }

    /// How many name servers had not answered when one did, if there was such an answer since this was asked last.
    func takeTimeouts() -> Int? { timeouts.take() }

    /// A look-up doesn't need the channel any more. Questions that nobody wants are ended when there is nothing else here.
    func release() {
        lookups -= 1
        if lookups == 0, questions > 0 { ares_cancel(channel) }
    }

    // MARK: - Sockets

    /// When c-ares wants to be called though nothing came.
    var timeout: TimeAmount? {
        var time = timeval()
        guard let next = ares_timeout(channel, nil, &time) else { return nil }
        return .seconds(Int64(next.pointee.tv_sec)) + .microseconds(Int64(next.pointee.tv_usec))
    }

    func process(_ socket: CInt, isReadable: Bool, isWritable: Bool) {
        ares_process_fd(channel, isReadable ? socket : cares_no_socket, isWritable ? socket : cares_no_socket)
    }

    func processTimeouts() { ares_process_fd(channel, cares_no_socket, cares_no_socket) }

    /// What comes back with an answer.
    private final class Context {
        let channel: CaresChannel
        let lookup: NameLookup
        let family: IPAddress.Family
        let round: Int

        init(channel: CaresChannel, lookup: NameLookup, family: IPAddress.Family, round: Int) {
            self.channel = channel
            self.lookup = lookup
            self.family = family
            self.round = round
        }
    }
}

@available(*, unavailable)
extension CaresChannel: Sendable {}
