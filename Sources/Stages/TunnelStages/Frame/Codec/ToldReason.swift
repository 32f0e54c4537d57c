import HTTPMessages
import Pipeline
import Platform

/// Why the accepting end of a tunnel answers in the origin's place, as it tells the opening end where the codec has fields alone: in
/// `fluidity-reason`, the code of the reason, a blank, and the sentence. Whoever opens takes the field out; whoever accepts sends none of an
/// origin's.
enum ToldReason {
    static let field = "fluidity-reason"
    static let exchangeField = "fluidity-exchange"
    /// How long a sentence may be, in bytes.
    static let limit = 256

    /// The field's value.
    static func value(_ failure: Failure) -> String {
        "\(failure.code.rawValue) \(ForeignText.line(failure.message, limit: limit))"
    }

    /// What a value says; nil for one that is malformed.
    static func failure(_ value: String) -> Failure? {
        let parts = value.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, value.utf8.count <= 4 * limit, let code = UInt16(parts[0]) else { return nil }
        return Failure(Failure.Code(rawValue: code), ForeignText.line(String(parts[1]), limit: limit))
    }
}

extension String {
    /// Calls the body with the text's bytes in UTF-8, which are valid only during the call.
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        var text = self
        return text.withUTF8 { body(UnsafeRawBufferPointer($0)) }
    }
}
