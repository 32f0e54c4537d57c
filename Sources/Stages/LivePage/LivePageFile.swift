/// A file of the live page, as it stands in this folder. The compiler puts them into the program, which needs none beside it.
package enum LivePageFile: CaseIterable, Sendable {
    /// The page.
    case page
    /// How it looks.
    case style
    /// What fills it.
    case script
    /// Its icon.
    case icon

    /// Where it is asked for.
    package var path: String {
        switch self {
        case .page: "/"
        case .style: "/live.css"
        case .script: "/live.js"
        case .icon: "/live.svg"
        }
    }

    /// Its media type.
    package var contentType: String {
        switch self {
        case .page: "text/html; charset=utf-8"
        case .style: "text/css; charset=utf-8"
        case .script: "text/javascript; charset=utf-8"
        case .icon: "image/svg+xml"
        }
    }

    /// Its content.
    package var bytes: [UInt8] {
        switch self {
        case .page: PackageResources.live_html
        case .style: PackageResources.live_css
        case .script: PackageResources.live_js
        case .icon: PackageResources.live_svg
        }
    }
}
