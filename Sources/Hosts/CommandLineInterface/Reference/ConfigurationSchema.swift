import ConfigurationLanguage
package import Pipeline

/// The JSON Schema (draft 2020-12) of whole configuration files, for editors and other tools that check YAML.
///
/// It knows less than the loader, which remains the judge: that neighbours in a list fit together, that files exist and that
/// durations are in their range can't be said in it. What it refuses, the loader refuses too.
package struct ConfigurationSchema {
    private let stages: [StageDescription]

    /// The schema of files that can have these stages.
    package init(_ registry: StageRegistry) {
        stages = registry.factories.map { StageDescription($0) }
    }

    /// The schema as a JSON document.
    package var json: JSON {
        let settings = ConfigurationLoader.fileKeys.map { key in
            JSON.Member(
                name: key.key,
                value: key.key == "pipeline" ? list(key) : key.key == "profiles" ? profiles(key) : ValueSchema(key).json)
        }
        return .members([
            "$schema": .text("https://json-schema.org/draft/2020-12/schema"),
            "title": .text("Fluidity configuration"),
            "description": .text("A pipeline of stages for an agent, a server or a Lambda function."),
            "type": .text("object"),
            "required": .texts(["pipeline"]),
            "additionalProperties": .boolean(false),
            "properties": .object(settings),
            "allOf": .array(HostKind.allCases.compactMap(restriction)),
            "$defs": .object(definitions),
        ])
    }

    /// A list begins with a source, has no other, and has one sink; what a file that it includes has isn't known here.
    private func list(_ key: SchemaDescription) -> JSON {
        .members([
            "description": .text(key.documentation),
            "type": .text("array"),
            "minItems": .number("1"),
            "if": .members(["contains": reference("include")]),
            "then": .members([
                "items": .members(["anyOf": .array([reference("stage"), reference("source"), reference("include")])])
            ]),
            "else": .members([
                "minItems": .number("2"),
                "prefixItems": .array([reference("source")]),
                "items": reference("stage"),
                "contains": reference("sink"),
                "minContains": .number("1"),
                "maxContains": .number("1"),
            ]),
        ])
    }

    /// Values by their paths, each of which begins with a key of the file.
    private func profiles(_ key: SchemaDescription) -> JSON {
        let keys = ConfigurationLoader.fileKeys.map(\.key).joined(separator: "|")
        return .members([
            "description": .text(key.documentation),
            "type": .text("object"),
            "additionalProperties": .members([
                "type": .text("object"),
                "propertyNames": .members(["pattern": .text("^(\(keys))(\\.|$)")]),
            ]),
        ])
    }

    private var definitions: [JSON.Member] {
        let groups = [
            JSON.Member(name: "source", value: entry(stages.filter(\.isSource))),
            JSON.Member(name: "stage", value: entry(stages.filter { !$0.isSource })),
            JSON.Member(name: "sink", value: entry(stages.filter(\.isSink))),
            JSON.Member(name: "include", value: include),
            JSON.Member(name: "substituted", value: ValueSchema.substituted),
        ]
        return groups
            + stages.map { stage in
                let kind: [String] = stage.needsNoKeys ? ["object", "null"] : ["object"]
                return JSON.Member(
                    name: "stage-\(stage.name)",
                    value: ValueSchema.mapping(stage.keys, description: stage.summary, types: kind))
            }
    }

    /// An entry of a list for which those of another file stand.
    private var include: JSON {
        .members([
            "description": .text("The entries of another file, which is a list. A relative path starts from this file's folder."),
            "type": .text("object"),
            "required": .texts(["include"]),
            "additionalProperties": .boolean(false),
            "properties": .members([
                "include": .members(["type": .texts(["string", "number", "boolean"]), "minLength": .number("1")])
            ]),
        ])
    }

    /// An entry of the list: a mapping of one name, or a name alone.
    private func entry(_ stages: [StageDescription]) -> JSON {
        let mapping = JSON.members([
            "type": .text("object"),
            "minProperties": .number("1"),
            "maxProperties": .number("1"),
            "additionalProperties": .boolean(false),
            "properties": .object(stages.map { .init(name: $0.name, value: reference("stage-\($0.name)")) }),
        ])
        let names = stages.filter(\.needsNoKeys).map(\.name)
        return names.isEmpty ? mapping : .members(["anyOf": .array([mapping, .members(["enum": .texts(names)])])])
    }

    /// The stages that a host can't run don't stand in a file that is for that host.
    private func restriction(_ host: HostKind) -> JSON? {
        let excluded = stages.filter { !$0.hosts.contains(host) }
        guard !excluded.isEmpty else { return nil }
        let forbidden = excluded.map { JSON.members(["type": .text("object"), "required": .texts([$0.name])]) }
        return .members([
            "if": .members([
                "properties": .members(["host": .members(["const": .text(host.rawValue)])]),
                "required": .texts(["host"]),
            ]),
            "then": .members([
                "properties": .members([
                    "pipeline": .members([
                        "items": .members([
                            "not": .members([
                                "anyOf": .array(forbidden + [.members(["enum": .texts(excluded.map(\.name))])])
                            ])
                        ])
                    ])
                ])
            ]),
        ])
    }

    private func reference(_ name: String) -> JSON { .members(["$ref": .text("#/$defs/\(name)")]) }
}
