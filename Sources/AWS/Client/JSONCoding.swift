#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

extension JSONDecoder {
    /// Reads keys as Swift writes them, whatever a service writes: `NextToken`, `nextToken`; `__type`, `Message`, `message`.
    static var aws: JSONDecoder {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .custom { path in
            let key = path[path.count - 1]
            // What begins with a small letter is as it is to be.
            guard key.intValue == nil, let first = key.stringValue.utf8.first, first < 0x60 else { return key }
            let bare = key.stringValue.drop { $0 == "_" }
            return JSONKey(bare.prefix(1).lowercased() + bare.dropFirst())
        }
        return decoder
    }
}

extension JSONEncoder {
    static func aws(capitalized: Bool) -> JSONEncoder {
        let encoder = JSONEncoder()
        guard capitalized else { return encoder }
        encoder.keyEncodingStrategy = .custom { path in
            let key = path[path.count - 1]
            guard key.intValue == nil else { return key }
            return JSONKey(key.stringValue.prefix(1).uppercased() + key.stringValue.dropFirst())
        }
        return encoder
    }
}

private struct JSONKey: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }

    init(_ text: String) { stringValue = text }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}
