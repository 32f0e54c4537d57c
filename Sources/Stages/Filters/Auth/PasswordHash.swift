import Crypto
import CryptoExtras
import Platform

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// A salted, slow hash of a password, in the form of the Password Hashing Competition:
/// `$scrypt$ln=15,r=8,p=3$SALT$HASH` or `$pbkdf2-sha256$i=600000$SALT$HASH`, salt and hash in base64 without padding.
package struct PasswordHash: Sendable, Equatable {
    /// The functions that passwords are hashed with.
    package enum Function: Sendable, Equatable {
        /// scrypt (RFC 7914); `logCost` is the binary logarithm of its cost parameter N.
        case scrypt(logCost: Int, blockSize: Int, parallelism: Int)
        /// PBKDF2 (RFC 8018, 5.2) with HMAC-SHA-256.
        case pbkdf2(rounds: Int)
    }

    /// The function with its parameters that the key was derived by.
    package let function: Function
    let salt: [UInt8]
    let key: [UInt8]

    /// What new hashes are made with: 32 MiB of memory and a tenth of a second or so.
    package static let standard = Function.scrypt(logCost: 15, blockSize: 8, parallelism: 3)
    private static let saltLength = 16
    private static let keyLength = 32
    /// The most memory that verifying one password may take.
    private static let memoryLimit = 256 << 20

    /// Hashes a password with a random salt, in as long as the parameters say: not for an event loop. Throws if the key can't be derived,
    /// as with parameters that take too much memory.
    package init(password: String, function: Function = standard) throws {
        self.function = function
        salt = Self.random(Self.saltLength)
        key = try Self.derive(password, salt: salt, function, length: Self.keyLength)
    }

    /// One that no password fits, which costs as much to find out as another's.
    init(fittingNothing function: Function) {
        self.function = function
        salt = Self.random(Self.saltLength)
        key = Self.random(Self.keyLength)
    }

    /// Reads a hash's text; nil for what is no such hash, and for one whose parameters are no protection or too much work.
    package init?(_ text: String) {
        let parts = text.split(separator: "$", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 5, parts[0].isEmpty, let function = Self.function(parts[1], parts[2]),
            let salt = Self.decode(parts[3]), (8...64).contains(salt.count),
            let key = Self.decode(parts[4]), (16...64).contains(key.count)
        else { return nil }
        self.function = function
        self.salt = salt
        self.key = key
    }

    /// The hash as a line of the users' file has it: function, parameters, salt and key, with a `$` before each.
    package var text: String {
        let parameters =
            switch function {
            case .scrypt(let logCost, let blockSize, let parallelism): "scrypt$ln=\(logCost),r=\(blockSize),p=\(parallelism)"
            case .pbkdf2(let rounds): "pbkdf2-sha256$i=\(rounds)"
            }
        return "$\(parameters)$\(Self.encode(salt))$\(Self.encode(key))"
    }

    /// Takes as long as the parameters say: not for an event loop.
    package func fits(_ password: String) -> Bool {
        // HMAC fills keys up with zeros: at a password's end they would count for nothing.
        guard !password.utf8.contains(0), let derived = try? Self.derive(password, salt: salt, function, length: key.count)
        else { return false }
        return ConstantTime.equal(derived, key)
    }

    private static func derive(_ password: String, salt: [UInt8], _ function: Function, length: Int) throws -> [UInt8] {
        let password = Array(password.utf8)
        let key =
            switch function {
            case .scrypt(let logCost, let blockSize, let parallelism):
                try KDF.Scrypt.deriveKey(
                    from: password, salt: salt, outputByteCount: length, rounds: 1 << logCost, blockSize: blockSize,
                    parallelism: parallelism, maxMemory: memoryLimit + (1 << 20))
            case .pbkdf2(let rounds):
                try KDF.Insecure.PBKDF2.deriveKey(
                    from: password, salt: salt, using: .sha256, outputByteCount: length, rounds: rounds)
            }
        return key.withUnsafeBytes { Array($0) }
    }

    private static func function(_ name: String, _ parameters: String) -> Function? {
        var values: [String: Int] = [:]
        for parameter in parameters.split(separator: ",", omittingEmptySubsequences: false) {
            let parts = parameter.split(separator: "=", omittingEmptySubsequences: false)
            guard parts.count == 2, parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }), let value = Int(parts[1]),
                values.updateValue(value, forKey: String(parts[0])) == nil
            else { return nil }
        }
        switch name {
        case "scrypt":
            guard values.count == 3, let logCost = values["ln"], let blockSize = values["r"], let parallelism = values["p"],
                (10...20).contains(logCost), (1...32).contains(blockSize), (1...16).contains(parallelism),
                128 * blockSize << logCost <= memoryLimit
            else { return nil }
            return .scrypt(logCost: logCost, blockSize: blockSize, parallelism: parallelism)
        case "pbkdf2-sha256":
            guard values.count == 1, let rounds = values["i"], (210_000...10_000_000).contains(rounds) else { return nil }
            return .pbkdf2(rounds: rounds)
        default:
            return nil
        }
    }

    private static func random(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    private static func encode(_ bytes: [UInt8]) -> String {
        Data(bytes).base64EncodedString().replacing("=", with: "")
    }

    private static func decode(_ text: String) -> [UInt8]? {
        guard text.utf8.count <= 128, !text.contains("=") else { return nil }
        let padding = String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
        return Data(base64Encoded: text + padding).map { Array($0) }
    }
}
