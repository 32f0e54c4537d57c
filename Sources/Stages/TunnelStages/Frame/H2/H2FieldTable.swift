import DequeModule

/// A field as bytes.
package struct H2Field: Sendable, Equatable {
    /// The field's name; HTTP/2 wants it in lower case (RFC 9113, 8.2.1), which isn't checked here.
    package var name: [UInt8]
    /// The field's value, not trimmed.
    package var value: [UInt8]
    /// Whether its sender wants no hop to put it into a table (RFC 7541, 6.2.3).
    package var isNeverIndexed = false

    /// A field that may be put into tables.
    package init(_ name: [UInt8], _ value: [UInt8]) {
        self.name = name
        self.value = value
    }

    /// The field's size as tables and lists of fields count it, in bytes (RFC 7541, 4.1).
    package var size: Int { name.count + value.count + 32 }
    /// Whether it has a byte beyond ASCII.
    package var isBeyondASCII: Bool { name.contains { $0 >= 0x80 } || value.contains { $0 >= 0x80 } }
}

/// HPACK's table of fields: those that everybody knows, and behind them those that a connection has had (RFC 7541, 2.3).
package struct H2FieldTable: Sendable {
    /// What SETTINGS_HEADER_TABLE_SIZE is as long as nobody says otherwise, in bytes. No end of ours does.
    package static let maximum = 4_096

    private var recent = Deque<H2Field>()
    private var size = 0
    private var limit = Self.maximum

    /// A table without dynamic entries, with the default limit of 4,096 bytes.
    package init() {}

    /// The field with the number; nil for one that there isn't.
    package subscript(_ index: Int) -> H2Field? {
        guard index > 0 else { return nil }
        guard index > Self.known.count else { return Self.known[index - 1] }
        let index = index - Self.known.count - 1
        return index < recent.count ? recent[index] : nil
    }

    /// Puts a field in front of the dynamic entries, and evicts the oldest until the table is within its limit (RFC 7541, 4.4).
    package mutating func add(_ field: H2Field) {
        evict(downTo: limit - field.size)
        // One that is larger than the table leaves it empty (RFC 7541, 4.4).
        guard field.size <= limit else { return }
        recent.prepend(field)
        size += field.size
    }

    /// Changes the table's limit in bytes and evicts what is over it; false, with nothing changed, for one over `maximum`.
    package mutating func resize(_ limit: Int) -> Bool {
        guard limit <= Self.maximum else { return false }
        self.limit = limit
        evict(downTo: limit)
        return true
    }

    private mutating func evict(downTo goal: Int) {
        while size > goal, let oldest = recent.popLast() { size -= oldest.size }
    }

    /// RFC 7541, A.
    private static let known: [H2Field] = [
        (":authority", ""), (":method", "GET"), (":method", "POST"), (":path", "/"), (":path", "/index.html"), (":scheme", "http"),
        (":scheme", "https"), (":status", "200"), (":status", "204"), (":status", "206"), (":status", "304"), (":status", "400"),
        (":status", "404"), (":status", "500"), ("accept-charset", ""), ("accept-encoding", "gzip, deflate"),
        ("accept-language", ""),
        ("accept-ranges", ""), ("accept", ""), ("access-control-allow-origin", ""), ("age", ""), ("allow", ""),
        ("authorization", ""),
        ("cache-control", ""), ("content-disposition", ""), ("content-encoding", ""), ("content-language", ""),
        ("content-length", ""),
        ("content-location", ""), ("content-range", ""), ("content-type", ""), ("cookie", ""), ("date", ""), ("etag", ""),
        ("expect", ""), ("expires", ""), ("from", ""), ("host", ""), ("if-match", ""), ("if-modified-since", ""),
        ("if-none-match", ""),
        ("if-range", ""), ("if-unmodified-since", ""), ("last-modified", ""), ("link", ""), ("location", ""), ("max-forwards", ""),
        ("proxy-authenticate", ""), ("proxy-authorization", ""), ("range", ""), ("referer", ""), ("refresh", ""),
        ("retry-after", ""),
        ("server", ""), ("set-cookie", ""), ("strict-transport-security", ""), ("transfer-encoding", ""), ("user-agent", ""),
        ("vary", ""), ("via", ""), ("www-authenticate", ""),
    ].map { H2Field(Array($0.utf8), Array($1.utf8)) }
}
