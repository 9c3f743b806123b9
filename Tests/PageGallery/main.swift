import Foundation
import HTML
import Pages
let folder = CommandLine.arguments[1]
for (name, page) in Samples().pages {
    try Data(page.bytes()).write(to: URL(fileURLWithPath: "\(folder)/\(name).html"))
}
try FileManager.default.createDirectory(atPath: folder + "/assets", withIntermediateDirectories: true)
for asset in [Assets.style, Assets.script, Assets.icon] {
    try Data(asset.bytes).write(to: URL(fileURLWithPath: "\(folder)/assets/\(asset.name)"))
}
