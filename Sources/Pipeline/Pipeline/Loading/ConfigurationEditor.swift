public import ConfigurationLanguage

/// Changes single values in the text of a configuration file, or of one that it includes, keeping its comments, order and layout.
public struct ConfigurationEditor: Sendable {
    private let text: String
    private let file: String

    /// An editor of a file's text, of at most `ConfigurationLoader.sizeLimit` bytes.
    /// - Parameter file: The name of the file in errors; nothing is read from it.
    public init(text: String, file: String) {
        self.text = text
        self.file = file
    }

    /// The text with one value set. `path` is as in `ConfigurationOverride`; a key that isn't there is added. In a file that is included, which is
    /// a list, a path of `pipeline` means its entries.
    ///
    /// The result is parsed again and compared: nothing but the value has changed in what the file says. Where that can't be
    /// done in the file's layout, it throws and says that the file has to be changed by hand.
    public func setting(path: String, to value: String) throws(ConfigurationErrors) -> String {
        guard text.utf8.count <= ConfigurationLoader.sizeLimit else { throw refusal("the file is too large") }
        let source = SourceText(text)
        let root = try read(source)
        let place = ConfigurationNode.Origin.override("\(file): \(path)")
        var expected = OverrideApplication(root: root, stages: StageList(root: root))
        expected.set(path, to: ConfigurationNode(.scalar(.init(value)), origin: place))
        guard expected.findings.isEmpty else {
            throw ConfigurationErrors(ConfigurationSource(file: file, text: source).errors(expected.findings))
        }
        let segments = path.split(separator: ".").map(String.init)
        guard let change = change(segments, to: value, root: root, source: source) else { throw byHand(path) }
        let changed = source.replacing(change.range, with: change.text)
        guard let result = try? read(changed), result.isSame(as: expected.root, ignoring: "pipeline"),
            StageList(root: result).isSame(as: expected.stages)
        else { throw byHand(path) }
        return (text.unicodeScalars.first == "\u{FEFF}" ? "\u{FEFF}" : "") + changed.text
    }

    private func read(_ source: SourceText) throws(ConfigurationErrors) -> ConfigurationNode {
        var reader = YAMLReader(source)
        let root = reader.read()
        guard reader.findings.isEmpty else {
            throw ConfigurationErrors(ConfigurationSource(file: file, text: source).errors(reader.findings))
        }
        guard let root else { throw refusal("the file is not a configuration") }
        switch root.content {
        case .mapping: return root
        case .sequence:
            let entry = ConfigurationNode.Entry(key: "pipeline", keyOrigin: root.origin, value: root)
            return ConfigurationNode(.mapping([entry]), origin: root.origin)
        case .scalar, .null: throw refusal("the file is not a configuration")
        }
    }

    private struct Change {
        var range: Range<Int>
        var text: String
    }

    /// Follows the path as far as it goes; what is left of it is added there.
    private func change(_ path: [String], to value: String, root: ConfigurationNode, source: SourceText) -> Change? {
        var node = root
        var rest = path[...]
        if path[0] == "pipeline" {
            let list = StageList(root: root)
            guard let index = list.indices(matching: path[1]).first else { return nil }
            node = list.items[index].configuration
            rest = path[2...]
            // A stage without a colon has no configuration: its name is where one has to go.
            if node.layout == nil { return naming(list.items[index], rest, value, source: source) }
        }
        while let key = rest.first, let inner = node[key: key] {
            node = inner
            rest = rest.dropFirst()
        }
        guard case .file(let position) = node.origin, let start = source.offset(of: position), let layout = node.layout
        else { return nil }
        switch node.content {
        case .scalar where rest.isEmpty && layout.style != .text:
            let end = ScalarSpan.end(of: node, from: start, in: source)
            return Change(range: start..<end, text: written(value, as: layout.style))
        case .null:
            let end = ScalarSpan.end(of: node, from: start, in: source)
            let blank = start > 0 && !source.scalars[start - 1].isBlank ? " " : ""
            return Change(range: start..<end, text: blank + nested(rest, value))
        case .mapping(let entries) where layout.style == .flow:
            return adding(rest, value, toFlow: entries, at: start, source: source)
        case .mapping where layout.style == .block:
            guard let key = rest.first else { return nil }
            let line = "\(PlainText.quotedIfNeeded(key)): \(nested(rest.dropFirst(), value))"
            let lineBreak = text.utf8.contains(UInt8(ascii: "\r")) ? "\r\n" : "\n"
            return Change(range: start..<start, text: line + lineBreak + String(repeating: " ", count: position.column - 1))
        default:
            return nil
        }
    }

    private func naming(_ item: StageList.Item, _ rest: ArraySlice<String>, _ value: String, source: SourceText) -> Change? {
        guard case .file(let position) = item.origin, let start = source.offset(of: position) else { return nil }
        let end = start + item.name.unicodeScalars.count
        guard end <= source.scalars.count else { return nil }
        return Change(range: end..<end, text: ": \(nested(rest, value))")
    }

    private func adding(
        _ rest: ArraySlice<String>, _ value: String, toFlow entries: [ConfigurationNode.Entry], at start: Int, source: SourceText
    ) -> Change? {
        guard let key = rest.first, start < source.scalars.count, source.scalars[start] == "{" else { return nil }
        let entry = "\(PlainText.quotedIfNeeded(key)): \(nested(rest.dropFirst(), value))"
        let next = start + 1 < source.scalars.count ? source.scalars[start + 1] : "}"
        let isSpaced = next.isBlank || next.isLineBreak
        let text = entries.isEmpty ? " \(entry)\(isSpaced ? "" : " ")" : " \(entry),\(isSpaced ? "" : " ")"
        return Change(range: start + 1..<start + 1, text: text)
    }

    /// A value under keys that aren't there yet, in brackets.
    private func nested(_ keys: ArraySlice<String>, _ value: String) -> String {
        keys.reversed().reduce(PlainText.quotedIfNeeded(value)) { "{ \(PlainText.quotedIfNeeded($1)): \($0) }" }
    }

    /// Keeps the quotes that the old value had.
    private func written(_ value: String, as style: ConfigurationNode.Style) -> String {
        switch style {
        case .doubleQuoted: return PlainText.quoted(value)
        case .singleQuoted:
            let isSimple = value.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value < 0x7F && $0 != "'" }
            return isSimple ? "'\(value)'" : PlainText.quoted(value)
        default: return PlainText.quotedIfNeeded(value)
        }
    }

    private func byHand(_ path: String) -> ConfigurationErrors {
        refusal("'\(path)' can't be set without changing the file's layout", hint: "change the file by hand")
    }

    private func refusal(_ message: String, hint: String? = nil) -> ConfigurationErrors {
        ConfigurationErrors([ConfigurationError(file: file, message: message, hint: hint)])
    }
}

extension ConfigurationNode {
    /// Whether two pieces say the same, wherever they stand.
    fileprivate func isSame(as other: ConfigurationNode, ignoring key: String? = nil) -> Bool {
        switch (content, other.content) {
        case (.null, .null):
            return true
        case (.scalar(let left), .scalar(let right)):
            return left.text == right.text
        case (.sequence(let left), .sequence(let right)):
            return left.count == right.count && zip(left, right).allSatisfy { $0.isSame(as: $1) }
        case (.mapping(let left), .mapping(let right)):
            guard left.count == right.count else { return false }
            return left.allSatisfy { entry in
                other[key: entry.key].map { entry.key == key || entry.value.isSame(as: $0) } ?? false
            }
        default:
            return false
        }
    }
}

extension StageList {
    fileprivate func isSame(as other: StageList) -> Bool {
        items.count == other.items.count
            && zip(items, other.items).allSatisfy { $0.name == $1.name && $0.configuration.isSame(as: $1.configuration) }
    }
}
