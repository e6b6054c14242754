// swift-tools-version: 6.2
// The local stand-ins for Azure Blob Storage and the Kubernetes API: a package of its own, so that
// the product depends on none of this. `make demo` builds it on a new machine, so it depends on no
// other package: TLS and digests are OpenSSL's.
import PackageDescription

let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
  name: "sandbox",
  targets: [
    .systemLibrary(name: "COpenSSL", providers: [.apt(["libssl-dev"])]),
    .executableTarget(name: "sandbox", dependencies: ["COpenSSL"], swiftSettings: strict),
  ]
)
