/// The ways to write an IPv4 address as an IPv6 one, made of text by the documents that define them.
enum Embedding: String, CaseIterable, Sendable {
    /// RFC 4291, 2.5.5.2.
    case mapped
    case mappedInHexadecimal
    case mappedInFull
    /// RFC 6052, 2.1.
    case translator
    /// RFC 8215, with prefixes of 96, 64, 56 and 48 bits (RFC 6052, 2.2).
    case localTranslator96
    case localTranslatorOther96
    case localTranslator64
    case localTranslator56
    case localTranslator48
    /// RFC 4291, 2.5.5.1.
    case compatible
    /// RFC 2765, 2.1.
    case translated
    /// RFC 3056, 2.
    case sixToFour
    /// RFC 4380, 4.
    case teredoServer
    case teredoClient
    /// RFC 5214, 6.1.
    case isatap
    case isatapUniversal
    case isatapLinkLocal

    /// Whether it is the IPv4 address and nothing else: on the wire, or for every translator.
    var isOnlySpelling: Bool {
        switch self {
        case .mapped, .mappedInHexadecimal, .mappedInFull, .translator: true
        default: false
        }
    }

    /// Whether an address of the Internet in it is one of the Internet.
    var canBePublic: Bool {
        switch self {
        case .sixToFour, .isatap, .isatapUniversal: true
        default: isOnlySpelling
        }
    }

    /// Whether an address can be told in it: `::` is no form of `0.0.0.0`, and zeros at the end may be the end of another form.
    func has(_ v4: String) -> Bool { v4 != "0.0.0.0" || self != .compatible && self != .localTranslatorOther96 }

    func address(of v4: String) -> String {
        let b = v4.split(separator: ".").compactMap { UInt16($0) }
        let (first, second) = (hexadecimal(b[0] << 8 | b[1]), hexadecimal(b[2] << 8 | b[3]))
        return switch self {
        case .mapped: "::ffff:\(v4)"
        case .mappedInHexadecimal: "::FFFF:\(first):\(second)"
        case .mappedInFull: "0:0:0:0:0:ffff:\(v4)"
        case .translator: "64:ff9b::\(v4)"
        case .localTranslator96: "64:ff9b:1::\(v4)"
        case .localTranslatorOther96: "64:ff9b:1:abcd:12:3456:\(first):\(second)"
        case .localTranslator64: "64:ff9b:1:abcd:\(hexadecimal(b[0])):\(hexadecimal(b[1] << 8 | b[2])):\(hexadecimal(b[3] << 8)):0"
        case .localTranslator56: "64:ff9b:1:\(hexadecimal(0xAB00 | b[0])):\(hexadecimal(b[1])):\(second):0:0"
        case .localTranslator48: "64:ff9b:1:\(first):\(hexadecimal(b[2])):\(hexadecimal(b[3] << 8)):0:0"
        case .compatible: "::\(v4)"
        case .translated: "::ffff:0:\(v4)"
        case .sixToFour: "2002:\(first):\(second)::1"
        case .teredoServer: "2001:0:\(first):\(second):0:0:f7f7:f7f7"
        case .teredoClient: "2001:0:808:808:8000:63bf:\(hexadecimal(~(b[0] << 8 | b[1]))):\(hexadecimal(~(b[2] << 8 | b[3])))"
        case .isatap: "2606:4700:1:2:0:5efe:\(v4)"
        case .isatapUniversal: "2606:4700:1:2:200:5efe:\(v4)"
        case .isatapLinkLocal: "fe80::5efe:\(v4)"
        }
    }

    private func hexadecimal(_ number: UInt16) -> String { String(number, radix: 16) }
}
