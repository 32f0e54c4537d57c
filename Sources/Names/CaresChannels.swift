import NIOCore
import Pipeline

/// The channels on which names are looked up. A few look-ups have each one to itself, with a port of its own, which makes answers hard to
/// forge, and ends when the look-up does; many share them, for a channel takes 80 KiB.
final class CaresChannels {
    /// So many channels there are at most for the same name servers: each takes a descriptor or two, and others want some of those that
    /// `accept` leaves.
    private static var limit: Int { max(1, min(32, FileDescriptors.process.reserve / 4)) }
    /// So many are kept while nothing is looked up.
    private static let idleLimit = 4

    private var channels: [CaresChannel] = []
    private var settings: NameSettings?
    private var preferences: [[NameServer]: ServerPreference] = [:]
    private var hostsChannel: HostsFile?

    /// What the system's files say now; nil when they can't be read.
    func currentSettings() -> NameSettings? {
        if let settings, settings.areCurrent { return settings }
        settings = NameSettings()
        preferences = [:]
        return settings
    }

    /// A channel for one look-up, which releases it.
    func take(_ settings: NameSettings, servers: [NameServer]) -> CaresChannel? {
        let first = preferences[servers]?.first(at: .now()) ?? 0
        // Those whose files have changed since, and more than are kept.
        var kept = 0
        channels.removeAll { channel in
            guard channel.lookups == 0, channel.questions == 0 else { return false }
            kept += 1
            return channel.settings != settings || kept > Self.idleLimit || (channel.servers == servers && channel.first != first)
        }
        let fitting = channels.filter { $0.servers == servers && $0.settings == settings && $0.first == first }
        let least = fitting.min { $0.lookups < $1.lookups }
        if let least, least.lookups == 0 || fitting.count >= Self.limit {
            least.lookups += 1
            return least
        }
        guard let channel = CaresChannel(settings, servers: servers, first: first) else { return nil }
        channel.lookups = 1
        channels.append(channel)
        return channel
    }

    /// Those on which c-ares has something to do.
    var busy: [CaresChannel] { channels.filter { $0.questions > 0 || !$0.sockets.isEmpty } }

    func takeChanged() -> [NameLookup] {
        for channel in channels {
            guard let count = channel.takeTimeouts() else { continue }
            preferences[channel.servers, default: ServerPreference()].heard(
                behind: count, from: channel.first, of: channel.serverCount, at: .now())
        }
        return channels.flatMap { $0.takeChanged() }
    }

    /// What `/etc/hosts` says.
    func hosts(_ name: String) -> [IPAddress] {
        if hostsChannel == nil { hostsChannel = HostsFile() }
        return hostsChannel?.addresses(of: name) ?? []
    }
}

@available(*, unavailable)
extension CaresChannels: Sendable {}
