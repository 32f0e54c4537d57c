import Crypto
import Pipeline

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Makes signatures. A value without a clock: the time is passed in.
struct Signer: Sendable {
    private let key: SymmetricKey

    init(key: Secret) {
        self.key = SymmetricKey(data: Array(key.revealed.utf8))
    }

    /// Seconds of the Unix epoch.
    static var now: Int { time(nil) }

    func signature(of head: RequestHead, at time: Int) -> String {
        let text = "\(time)\n\(head.method)\n\(head.authority)\n\(head.path)"
        let code = HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: key)
        let digits = Array("0123456789abcdef".utf8)
        let hexadecimal = code.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        return "t=\(time), v1=\(String(decoding: hexadecimal, as: UTF8.self))"
    }
}
