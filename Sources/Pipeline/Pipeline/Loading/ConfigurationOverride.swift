/// Sets one value from outside the file, above it.
///
/// Paths: `drain`, `log.level`, `event-loops`, `host`; `pipeline.STAGE.KEY` (`pipeline.accept.listen`), with dots into nested
/// keys; `pipeline.STAGE[2].KEY` for the second stage of that name; `pipeline.3.KEY` for the third entry of the list. In any other list an
/// entry is named likewise, by its `name`, by its only key or by its number, so that a path leads into branches:
/// `pipeline.route.branches.abroad.stages.connect.to`.
public struct ConfigurationOverride: Sendable, Equatable {
    /// The path of the key, in one of the forms above. The loader checks it.
    public var path: String
    /// A text. Where the key wants one it counts as it is, whatever it looks like: no quotes are taken off, and `null`, `~` and what
    /// is in brackets are texts as well. Where the key wants a list or a mapping, perhaps among other things, what is in brackets is
    /// read as YAML's flow style: `[a, b]`. Where it wants neither, a number say, and may be absent, `null` and `~` stand for nothing.
    /// References (`${env:NAME}`) are not replaced in it.
    public var value: String
    /// What errors in the value name: `--set pipeline.accept.listen`.
    public var origin: String

    /// A value for the key at `path`.
    public init(path: String, value: String, origin: String) {
        self.path = path
        self.value = value
        self.origin = origin
    }

    /// `--set path=value`; nil where there is no `=`.
    public init?(argument: String) {
        guard let equals = argument.firstIndex(of: "="), equals != argument.startIndex else { return nil }
        let path = String(argument[..<equals])
        self.init(path: path, value: String(argument[argument.index(after: equals)...]), origin: "--set \(path)")
    }
}
