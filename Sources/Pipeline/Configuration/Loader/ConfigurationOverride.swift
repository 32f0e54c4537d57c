/// Sets one value from outside the file, above it.
///
/// Paths: `drain`, `log.level`, `event-loops`, `host`; `pipeline.STAGE.KEY` (`pipeline.accept.listen`), with dots into nested
/// keys; `pipeline.STAGE[2].KEY` for the second stage of that name; `pipeline.3.KEY` for the third entry of the list.
public struct ConfigurationOverride: Sendable, Equatable {
    public var path: String
    /// A scalar as it would stand in the file, or a list or mapping in flow style: `[a, b]`. Variables are not replaced in it.
    public var value: String
    /// What errors in the value name: `--set pipeline.accept.listen`.
    public var origin: String

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
