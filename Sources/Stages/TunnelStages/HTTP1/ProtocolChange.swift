import HTTPMessages

/// What a 101 changes the protocol to.
package enum ProtocolChange {
    /// Whether it was asked for (RFC 9110, 7.8): each protocol of `agreed` is among the `offered`, versions and case aside.
    /// - Parameters:
    ///   - offered: The values of the request's `Upgrade`.
    ///   - agreed: The response's; nil where it says nothing, and so changes to nothing.
    package static func isAmong(_ offered: [String], _ agreed: String?) -> Bool {
        guard let agreed else { return false }
        let offers = offered.flatMap(names)
        let wanted = names(agreed)
        return !wanted.isEmpty && wanted.allSatisfy(offers.contains)
    }

    private static func names(_ list: String) -> [String] {
        var names: [String] = []
        var list = list
        list.withUTF8 { list in
            HTTPGrammar.forEachListElement(UnsafeRawBufferPointer(list)) { element in
                names.append(String(decoding: element.prefix { $0 != UInt8(ascii: "/") }, as: UTF8.self).lowercased())
            }
        }
        return names
    }
}
