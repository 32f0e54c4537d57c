/// What an operation is answered with: a body as it goes over the wire or the value that is read from it, or AWS's word for why not.
enum ModelledAnswer<Content: Sendable>: Sendable {
    case done(Content)
    case refused(status: Int, name: String, message: String)

    static var unknownOperation: Self {
        .refused(status: 400, name: "InvalidAction", message: "the model has no such operation")
    }
    static var unreadable: Self {
        .refused(status: 400, name: "SerializationException", message: "the input can't be read")
    }

    func map<Other: Sendable>(_ body: (Content) -> Other) -> ModelledAnswer<Other> {
        switch self {
        case .done(let content): .done(body(content))
        case .refused(let status, let name, let message): .refused(status: status, name: name, message: message)
        }
    }
}

/// JSON, as AWS writes it.
typealias WireAnswer = ModelledAnswer<String>
/// What AWS's clients read from that, without the JSON.
typealias ValueAnswer = ModelledAnswer<any Sendable>
