import Platform
import SwiftASN1
package import X509

extension DistinguishedName {
    /// The name as a string in the form of RFC 4514: the most specific part first, control characters escaped, so that it is
    /// one line in a log whoever chose it.
    package var rfc4514: String {
        reversed().map { part in part.map(\.rfc4514).joined(separator: "+") }.joined(separator: ",")
    }

    /// The most specific common name that is a string.
    package var commonName: String? {
        for part in reversed() {
            for attribute in part where attribute.type == .RDNAttributeType.commonName {
                if let name = String(attribute.value) { return RelativeDistinguishedName.Attribute.escapingControls(name) }
            }
        }
        return nil
    }
}

extension RelativeDistinguishedName.Attribute {
    /// `CN=value`, or the dotted type and the value's DER in hexadecimal digits where the standard has no short name.
    fileprivate var rfc4514: String {
        guard let keyword = Self.keywords[type], let text = String(value) else {
            var serializer = DER.Serializer()
            // A value that was parsed can be written; one that can't is shown as empty.
            try? serializer.serialize(ASN1Any(value))
            return "\(type)=#\(Hexadecimal.string(serializer.serializedBytes))"
        }
        return "\(keyword)=\(Self.escaped(text))"
    }

    /// The short names of RFC 4514, 3.
    private static let keywords: [ASN1ObjectIdentifier: String] = [
        .RDNAttributeType.commonName: "CN",
        .RDNAttributeType.localityName: "L",
        .RDNAttributeType.stateOrProvinceName: "ST",
        .RDNAttributeType.organizationName: "O",
        .RDNAttributeType.organizationalUnitName: "OU",
        .RDNAttributeType.countryName: "C",
        .RDNAttributeType.streetAddress: "STREET",
        .RDNAttributeType.domainComponent: "DC",
        [0, 9, 2342, 19_200_300, 100, 1, 1]: "UID",
    ]

    /// RFC 4514, 2.4.
    private static func escaped(_ text: String) -> String {
        var result = ""
        let scalars = Array(text.unicodeScalars)
        for (index, scalar) in scalars.enumerated() {
            let isFirst = index == 0
            let isLast = index == scalars.count - 1
            switch scalar {
            case "\"", "+", ",", ";", "<", ">", "\\": result += "\\\(scalar)"
            case "#" where isFirst: result += "\\#"
            case " " where isFirst || isLast: result += "\\ "
            default: result += escapingControl(scalar)
            }
        }
        return result
    }

    fileprivate static func escapingControls(_ text: String) -> String {
        text.unicodeScalars.map(escapingControl).joined()
    }

    private static func escapingControl(_ scalar: Unicode.Scalar) -> String {
        guard scalar.properties.generalCategory == .control || scalar.properties.generalCategory == .format else {
            return String(scalar)
        }
        return String(scalar).utf8.map { "\\" + Hexadecimal.string(CollectionOfOne($0)) }.joined()
    }
}
