/// Bytes as hexadecimal digits.
package enum Hexadecimal {
    /// Two lowercase digits for each byte.
    package static func string(_ bytes: some Sequence<UInt8>) -> String {
        var result = ""
        for byte in bytes {
            result.append(byte < 16 ? "0" : "")
            result.append(String(byte, radix: 16))
        }
        return result
    }
}
