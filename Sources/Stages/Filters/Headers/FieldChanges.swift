public import ConfigurationLanguage
import HTTPMessages
import Pipeline

/// What happens to the fields of one kind of head, in this order: `rename`, `remove`, `set`, `add`.
public struct FieldChanges: NestedConfiguration {
    /// The new names of fields, by the old ones.
    public var rename = FieldMap<FieldName>()
    /// The names of which every field is taken away.
    public var remove: [FieldName] = []
    /// The fields that take the place of all fields of their names.
    public var set = FieldMap<FieldTemplate>()
    /// The fields that are added beside those of their names.
    public var add = FieldMap<FieldTemplate>()

    public init() {}

    /// Changes that are made in the order of the parameters.
    public init(
        rename: FieldMap<FieldName> = [:], remove: [FieldName] = [], set: FieldMap<FieldTemplate> = [:],
        add: FieldMap<FieldTemplate> = [:]
    ) {
        self.rename = rename
        self.remove = remove
        self.set = set
        self.add = add
    }

    public static let schema = Schema<FieldChanges>(
        .optional("rename", \.rename, "Gives fields another name: { X-Old: X-New }."),
        .optional("remove", \.remove, "Takes away every field of these names."),
        .optional("set", \.set, "Puts one field in the place of all of its name: { X-User: \"{identity}\" }."),
        .optional("add", \.add, "Adds a field beside those of its name.")
    )

    var isEmpty: Bool { rename.entries.isEmpty && remove.isEmpty && set.entries.isEmpty && add.entries.isEmpty }

    public func validate() -> [ConfigurationProblem] {
        let set = Set(set.entries.map { $0.name.name.lowercased() })
        let both = remove.first { set.contains($0.name.lowercased()) }
        return both.map { [.warning("'\($0.name)' is removed and then set; 'set' alone does the same", key: "remove")] } ?? []
    }

    /// A value that no field may have, because of what a client put into it, leaves the field out.
    func apply(to fields: inout HeaderFields, _ exchange: Exchange, host: String) {
        for entry in rename.entries { fields.rename(entry.name.name, to: entry.value.name) }
        for name in remove { fields.remove(name.name) }
        for entry in set.entries { fields.set(entry.name.name, entry.value.value(for: exchange, host: host)) }
        for entry in add.entries { fields.append(entry.name.name, entry.value.value(for: exchange, host: host)) }
    }
}

/// What requests say of whom they come from, `X-Forwarded-For` and its like.
public enum ForwardedFor: String, Sendable, CaseIterable, ConfigurationChoice {
    /// What the client wrote passes; nothing is added.
    case off
    /// The client's address is added to what is there.
    case append
    /// The client's address is put in the place of whatever is there.
    case replace
    /// Nothing of the kind passes.
    case remove

    private static let field = "X-Forwarded-For"
    private static let others = ["Forwarded", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Real-IP"]

    func apply(to fields: inout HeaderFields, _ exchange: Exchange) {
        switch self {
        case .off:
            break
        case .append:
            fields.appendElement(exchange.client.address, to: Self.field)
        case .replace, .remove:
            for name in Self.others { fields.remove(name) }
            fields.remove(Self.field)
            if self == .replace { fields.append(Self.field, exchange.client.address) }
        }
    }
}
