public import ConfigurationLanguage

/// A port, or several that follow each other: `443`, `8000-8999`.
public struct PortRange: Sendable, Equatable, ScalarConfigurationValue {
    /// The ports, from 1 to 65535; others are an error when the plan is made.
    public let ports: ClosedRange<Int>

    /// A single port.
    public init(_ port: Int) { ports = port...port }
    /// The ports from the first to the last, both included.
    public init(_ ports: ClosedRange<Int>) { self.ports = ports }

    public static var typeDescription: String { "a port such as 443, or a range such as 8000-8999" }

    public static var shape: ValueShape { .oneOf([.integer, .text(pattern: "^[0-9]+(-[0-9]+)?$")]) }

    public init(configured text: String) throws(InvalidValue) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { part in
            part.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(part) : nil
        }
        guard (1...2).contains(parts.count), numbers.count == parts.count else { throw InvalidValue() }
        guard numbers.allSatisfy({ (1...65_535).contains($0) }) else {
            throw InvalidValue("a port is a number between 1 and 65535")
        }
        guard let first = numbers.first, let last = numbers.last, first <= last else {
            throw InvalidValue("the range ends before it begins")
        }
        ports = first...last
    }

    public func problems() -> [ConfigurationProblem] {
        (1...65_535).contains(ports.lowerBound) && (1...65_535).contains(ports.upperBound) ? [] : Self.problems(of: printed)
    }

    public var printed: String {
        ports.count == 1 ? String(ports.lowerBound) : "\(ports.lowerBound)-\(ports.upperBound)"
    }
}

extension PortRange: ExpressibleByIntegerLiteral {
    public init(integerLiteral port: Int) { self.init(port) }
}
