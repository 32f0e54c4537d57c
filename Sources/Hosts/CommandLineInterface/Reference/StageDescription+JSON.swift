import ConfigurationLanguage
import Instruments
import Pipeline

extension StageDescription {
    /// What `fluidity stages --json` prints of a stage.
    package var json: JSON {
        .members([
            "name": .text(name),
            "summary": .text(summary),
            "forms": .array(
                forms.map { .members(["takes": .text($0.input.rawValue), "yields": .text($0.output.rawValue)]) }),
            "hosts": .texts(hosts.map(\.rawValue)),
            "details": reference.details.isEmpty ? nil : .text(reference.details),
            "example": reference.example.isEmpty ? nil : .text(reference.example),
            "keys": .array(keys.map(Self.json)),
            "metrics": .array(
                reference.metrics.map {
                    .members([
                        "name": .text($0.name), "kind": .text($0.kind.rawValue), "help": .text($0.help),
                        "labels": $0.labels.isEmpty ? nil : .texts($0.labels),
                    ])
                }),
            "notes": .texts(reference.notes),
        ])
    }

    private static func json(_ key: SchemaDescription) -> JSON {
        .members([
            "key": .text(key.key),
            "type": .text(key.type),
            "documentation": .text(key.documentation),
            "required": .boolean(key.isRequired),
            "secret": .boolean(key.isSecret),
            "default": key.defaultValue.map(JSON.text),
            "range": key.range.map(JSON.text),
            "keys": key.keys.isEmpty ? nil : .array(key.keys.map(json)),
        ])
    }
}
