package import Pipeline
import Platform

/// Who sends, as each message to a collector says it.
package struct OTLPResource: Sendable {
    private let attributes: [(name: String, value: String)]

    /// This program.
    /// - Parameter service: `service.name`; nil for one that says what kind of program it is.
    package init(service: String?, host: HostKind) {
        attributes = [
            ("service.name", service ?? "fluidity-\(host.rawValue)"), ("service.version", ProgramVersion.number),
            ("service.instance.id", "\(ExchangeID(rawValue: .random(in: 1 ... .max)))"),
        ]
    }

    /// The member `resource`.
    func write(to json: inout JSONText) {
        json.key("resource")
        json.object { json in
            json.key("attributes")
            json.array { json in for (name, value) in attributes { json.attribute(name, value) } }
        }
    }
}

/// The forms that OTLP's JSON has for what all signals share. Numbers of 64 bits are texts there (ProtoJSON).
extension JSONText {
    /// What made the spans or metrics: the member `scope`.
    mutating func scope() {
        key("scope")
        object { json in
            json.member("name", "fluidity")
            json.member("version", ProgramVersion.number)
        }
    }

    /// An attribute whose value is a text.
    mutating func attribute(_ name: String, _ text: String) {
        object { json in
            json.member("key", name)
            json.key("value")
            json.object { $0.member("stringValue", text) }
        }
    }

    /// An attribute of an exchange.
    mutating func attribute(_ name: String, _ value: TracedExchange.Value) {
        switch value {
        case .text(let text): attribute(name, text)
        case .number(let number): attribute(name, number)
        }
    }

    /// An attribute whose value is a whole number.
    mutating func attribute(_ name: String, _ number: Int64) {
        object { json in
            json.member("key", name)
            json.key("value")
            json.object { $0.member("intValue", "\(number)") }
        }
    }
}
