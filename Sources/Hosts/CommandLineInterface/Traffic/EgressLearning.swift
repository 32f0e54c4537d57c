import HTTPMessages

/// Rules of `egress` that would allow what an access log has seen, and nothing else.
package struct EgressLearning: Sendable, Equatable {
    /// One rule, and how many exchanges it is for.
    package struct Rule: Sendable, Equatable {
        /// The names, or patterns of them.
        package var hosts: [String]
        /// The ports.
        package var ports: [Int]
        /// How many exchanges of the log it is for.
        package var exchanges: Int
    }

    /// How many names below one name are put together in a pattern.
    package static let family = 4

    /// The rules, those for most exchanges first.
    package var rules: [Rule]
    /// How many exchanges the rules are for.
    package var exchanges: Int
    /// How many weren't looked at: they were refused, or their line names no host.
    package var leftOut: Int

    /// Learns from what was seen. What was refused stays refused.
    package init(_ traffic: LoggedTraffic) {
        var ports: [String: Set<Int>] = [:]
        var counts: [String: Int] = [:]
        leftOut = 0
        for exchange in traffic.exchanges {
            guard !exchange.wasRefused, let authority = exchange.host.flatMap({ Authority($0) }) else {
                leftOut += 1
                continue
            }
            var host = authority.host.lowercased()
            if host.hasSuffix("."), host.count > 1 { host.removeLast() }
            ports[host, default: []].insert(authority.port ?? 80)
            counts[host, default: 0] += 1
        }
        exchanges = counts.values.reduce(0, +)
        // Names below one name that are many stand for a pattern; those of two labels or fewer have nobody in common.
        var families: [String: [String]] = [:]
        for host in counts.keys {
            if let parent = Self.parent(of: host) { families[parent, default: []].append(host) }
        }
        var merged: [String: (hosts: [String], exchanges: Int, ports: Set<Int>)] = [:]
        var covered: Set<String> = []
        for (parent, hosts) in families where hosts.count >= Self.family {
            let all = hosts.reduce(into: Set<Int>()) { $0.formUnion(ports[$1] ?? []) }
            merged["*.\(parent)"] = (["*.\(parent)"], hosts.reduce(0) { $0 + (counts[$1] ?? 0) }, all)
            covered.formUnion(hosts)
        }
        for (host, count) in counts where !covered.contains(host) { merged[host] = ([host], count, ports[host] ?? []) }
        // Those with the same ports share a rule.
        let byPorts = Dictionary(grouping: merged.values) { $0.ports.sorted() }
        rules = byPorts.map { ports, entries in
            Rule(hosts: entries.flatMap(\.hosts).sorted(), ports: ports, exchanges: entries.reduce(0) { $0 + $1.exchanges })
        }.sorted { ($1.exchanges, $0.ports.first ?? 0) < ($0.exchanges, $1.ports.first ?? 0) }
    }

    /// `example.com` for `www.example.com`; nil for an address, and for names that are too short to have somebody's name above them.
    private static func parent(of host: String) -> String? {
        let labels = host.split(separator: ".", omittingEmptySubsequences: false)
        guard labels.count >= 3, !host.contains(":"), !labels.allSatisfy({ Int($0) != nil }) else { return nil }
        return labels.dropFirst().joined(separator: ".")
    }

    /// The stage as YAML, with `mode: observe`.
    package var yaml: String {
        guard !rules.isEmpty else { return "# No exchange of the log went through, so there is nothing to allow.\n" }
        var text =
            "# From \(exchanges) exchanges\(leftOut > 0 ? "; \(leftOut) that were refused or name no host are left out" : "").\n"
        text += "# It refuses nobody yet: look at fluidity_egress_observed_total for a while, then take 'mode' out.\n"
        text += "- egress:\n    mode: observe\n    rules:\n"
        for rule in rules {
            text +=
                "      # \(rule.exchanges) exchanges\n      - allow:\n          ports: [\(rule.ports.map(String.init).joined(separator: ", "))]\n"
            text += "          hosts:\n"
            for host in rule.hosts { text += "            - \"\(host)\"\n" }
        }
        return text + "    otherwise: deny\n"
    }
}
