internal import CYAML

/// Reads a text's YAML one event at a time, with libyaml.
///
/// It is libyaml itself and no package around it, because such a package brings Foundation, and with that the data of ICU: 31
/// MB in every program that is linked statically.
final class YAMLEvents {
    struct Event {
        enum Kind {
            case documentStart
            case documentEnd
            case streamEnd
            case scalar(String, ConfigurationNode.Style)
            case sequenceStart(isFlow: Bool)
            case mappingStart(isFlow: Bool)
            /// Of a list or a mapping.
            case collectionEnd
            case alias
        }

        var kind: Kind
        var position: SourcePosition
        var hasAnchor = false
    }

    /// What libyaml says is wrong, in its own words.
    struct Problem: Error {
        /// A character that a text can't have; nil for what is wrong with its grammar.
        var character: UInt32?
        var message: String
        var position: SourcePosition
        /// Where what is wrong began.
        var context: SourcePosition?
    }

    /// Both stay where they are for as long as this lives: libyaml keeps their addresses.
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeMutableBufferPointer<UInt8>

    init(_ text: String) {
        input = .allocate(capacity: text.utf8.count)
        _ = input.initialize(from: text.utf8)
        parser = .allocate(capacity: 1)
        parser.initialize(to: yaml_parser_t())
        // Where there is no memory for it, `next` says so.
        guard yaml_parser_initialize(parser) == 1 else { return }
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, input.baseAddress, input.count)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deinitialize(count: 1)
        parser.deallocate()
        input.deallocate()
    }

    /// The next event; after the end of the stream, its end again.
    func next() throws(Problem) -> Event {
        while true {
            var event = yaml_event_t()
            guard parser.pointee.read_handler != nil, yaml_parser_parse(parser, &event) == 1 else { throw problem }
            defer { yaml_event_delete(&event) }
            let position = SourcePosition(event.start_mark)
            switch event.type {
            case YAML_STREAM_START_EVENT: continue
            case YAML_DOCUMENT_START_EVENT: return Event(kind: .documentStart, position: position)
            case YAML_DOCUMENT_END_EVENT: return Event(kind: .documentEnd, position: position)
            case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: return Event(kind: .collectionEnd, position: position)
            case YAML_ALIAS_EVENT: return Event(kind: .alias, position: position)
            case YAML_SCALAR_EVENT:
                let scalar = event.data.scalar
                let text = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
                return Event(
                    kind: .scalar(text, ConfigurationNode.Style(scalar.style)), position: position,
                    hasAnchor: scalar.anchor != nil)
            case YAML_SEQUENCE_START_EVENT:
                let start = event.data.sequence_start
                return Event(
                    kind: .sequenceStart(isFlow: start.style == YAML_FLOW_SEQUENCE_STYLE), position: position,
                    hasAnchor: start.anchor != nil)
            case YAML_MAPPING_START_EVENT:
                let start = event.data.mapping_start
                return Event(
                    kind: .mappingStart(isFlow: start.style == YAML_FLOW_MAPPING_STYLE), position: position,
                    hasAnchor: start.anchor != nil)
            default:
                return Event(kind: .streamEnd, position: position)
            }
        }
    }

    private var problem: Problem {
        let state = parser.pointee
        let message = state.problem.map { String(cString: $0) } ?? "there is no memory to read it"
        var problem = Problem(message: message, position: SourcePosition(state.problem_mark))
        if state.error == YAML_READER_ERROR { problem.character = UInt32(bitPattern: state.problem_value) }
        if state.context != nil { problem.context = SourcePosition(state.context_mark) }
        return problem
    }
}

extension SourcePosition {
    fileprivate init(_ mark: yaml_mark_t) {
        self.init(line: mark.line + 1, column: mark.column + 1)
    }
}

extension ConfigurationNode.Style {
    fileprivate init(_ style: yaml_scalar_style_t) {
        switch style {
        case YAML_SINGLE_QUOTED_SCALAR_STYLE: self = .singleQuoted
        case YAML_DOUBLE_QUOTED_SCALAR_STYLE: self = .doubleQuoted
        case YAML_LITERAL_SCALAR_STYLE, YAML_FOLDED_SCALAR_STYLE: self = .text
        default: self = .plain
        }
    }
}
