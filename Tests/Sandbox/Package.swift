// swift-tools-version: 6.2
// The local stand-ins for Azure Blob Storage and the Kubernetes API: a package of its own, so that
// the product depends on none of this. It is a part of `make demo` on a new machine, so it depends
// on no package whose build takes long: TLS and digests are OpenSSL's.
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
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2")
  ],
  targets: [
    .systemLibrary(name: "COpenSSL", providers: [.apt(["libssl-dev"])]),
    .executableTarget(
      name: "sandbox",
      dependencies: [
        "COpenSSL", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),
  ]
)
