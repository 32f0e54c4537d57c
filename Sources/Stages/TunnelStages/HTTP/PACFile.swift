import Addresses
package import HTTPMessages

/// A proxy auto-configuration file: a JavaScript function that browsers call for each URL. It looks at the host as it stands
/// there and resolves nothing, so that no name leaves the browser other than through the proxy.
package struct PACFile: Sendable {
    /// The media type that browsers take the file by.
    package static let contentType = "application/x-ns-proxy-autoconfig"

    /// Where it is found.
    package let path: String
    private let rules: String

    /// Prepares the rules once; what depends on the proxy's address is put in for each response.
    package init(_ configuration: PACConfiguration) {
        path = configuration.path
        var hosts: [String] = []
        var domains: [String] = []
        var networks: [String] = []
        for entry in configuration.direct {
            switch entry {
            case .host(let name): hosts.append(Self.literal(name))
            case .domain(let name): domains.append(Self.literal(name))
            case .network(let entry):
                let bytes = entry.bytes.map(String.init).joined(separator: ", ")
                networks.append("{ bytes: [\(bytes)], prefix: \(entry.prefix) }")
            }
        }
        rules = """
            var hosts = [\(hosts.joined(separator: ", "))];
            var domains = [\(domains.joined(separator: ", "))];
            var networks = [\(networks.joined(separator: ", "))];
            """
    }

    /// Whether a request is for the file: it is made as to a site, not as to a proxy.
    package func isWanted(by method: String, _ target: String) -> Bool {
        (method == "GET" || method == "HEAD") && target.prefix { $0 != "?" } == path
    }

    /// The answer, with the proxy's own address as the browser has it.
    package func response(proxy: Authority) -> LocalResponse {
        var response = LocalResponse(status: 200, body: script(proxy: proxy))
        response.head.fields.set("Content-Type", Self.contentType)
        response.head.fields.append("Cache-Control", "no-cache")
        return response
    }

    /// The file's text, which sends browsers to this proxy.
    package func script(proxy: Authority) -> String {
        """
        \(rules)

        function bytesOf(host) {
            var parts, index;
            if (/^\\d{1,3}(\\.\\d{1,3}){3}$/.test(host)) {
                parts = host.split(".");
                for (index = 0; index < 4; index++) { parts[index] = parseInt(parts[index], 10); }
                return parts;
            }
            if (host.indexOf(":") < 0) { return null; }
            var dotted = /^(.*:)(\\d{1,3})\\.(\\d{1,3})\\.(\\d{1,3})\\.(\\d{1,3})$/.exec(host);
            if (dotted) {
                host = dotted[1] + (dotted[2] * 256 + Number(dotted[3])).toString(16) + ":"
                    + (dotted[4] * 256 + Number(dotted[5])).toString(16);
            }
            var halves = host.split("::");
            if (halves.length > 2) { return null; }
            var head = halves[0] ? halves[0].split(":") : [];
            var tail = halves.length > 1 && halves[1] ? halves[1].split(":") : [];
            var groups = head.slice();
            if (halves.length > 1) {
                for (index = head.length + tail.length; index < 8; index++) { groups.push("0"); }
            }
            groups = groups.concat(tail);
            if (groups.length !== 8) { return null; }
            var bytes = [];
            for (index = 0; index < 8; index++) {
                var value = parseInt(groups[index], 16);
                bytes.push(value >> 8, value & 255);
            }
            // An IPv4-mapped address is the IPv4 one.
            for (index = 0; index < 10 && bytes[index] === 0; index++) {}
            return index === 10 && bytes[10] === 255 && bytes[11] === 255 ? bytes.slice(12) : bytes;
        }

        function isIn(bytes, network) {
            if (bytes.length !== network.bytes.length) { return false; }
            for (var index = 0; index * 8 < network.prefix; index++) {
                var bits = Math.min(8, network.prefix - index * 8);
                var mask = (255 << (8 - bits)) & 255;
                if ((bytes[index] & mask) !== (network.bytes[index] & mask)) { return false; }
            }
            return true;
        }

        function FindProxyForURL(url, host) {
            var index;
            host = host.toLowerCase().replace(/^\\[|\\]$/g, "").replace(/\\.$/, "");
            for (index = 0; index < hosts.length; index++) {
                if (host === hosts[index]) { return "DIRECT"; }
            }
            for (index = 0; index < domains.length; index++) {
                var name = domains[index];
                if (host === name || host.slice(-name.length - 1) === "." + name) { return "DIRECT"; }
            }
            var bytes = networks.length > 0 ? bytesOf(host) : null;
            for (index = 0; bytes && index < networks.length; index++) {
                if (isIn(bytes, networks[index])) { return "DIRECT"; }
            }
            return \(Self.literal("PROXY " + proxy.text));
        }

        """
    }

    /// A text as a string of JavaScript: whatever isn't plainly harmless is written as its code.
    private static func literal(_ text: String) -> String {
        var result = "\""
        for unit in text.utf16 {
            let isPlain = unit < 0x7F && unit >= 0x20 && ![0x22, 0x27, 0x26, 0x3C, 0x3E, 0x5C].contains(unit)
            if isPlain {
                result.unicodeScalars.append(Unicode.Scalar(UInt8(unit)))
            } else {
                let digits = String(unit, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
        return result + "\""
    }
}
