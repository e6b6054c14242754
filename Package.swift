// swift-tools-version: 6.2
// The architecture: one target per module, and a target may import only what it lists here.
// `.ci/check-imports` holds the sources against this table.
import PackageDescription

let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

// For `etcd-backup version`; `make build` and the Dockerfile set it.
let commit = (Context.environment["ETCD_BACKUP_COMMIT"] ?? "")
  .filter { "0123456789abcdef".contains($0) }

let package = Package(
  name: "etcd-backup",
  products: [
    .executable(name: "etcd-backup", targets: ["etcd-backup"])
  ],
  // One commit gives one program, wherever and whenever it is built.
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2")
  ],
  targets: [
    // C libraries, as Debian packages them.
    .systemLibrary(
      name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
    .systemLibrary(
      name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(
      name: "CExpat", pkgConfig: "expat", providers: [.apt(["libexpat1-dev"])]),
    .systemLibrary(name: "CYAML", providers: [.apt(["libyaml-dev"])]),
    .systemLibrary(
      name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
    // One instruction of the processor.
    .systemLibrary(name: "CCarryless"),

    // What a signal handler may run, and what the build says of itself.
    .target(
      name: "CProcess", cSettings: [.define("ETCD_BACKUP_COMMIT", to: "\"\(commit)\"")]),

    // The start of another program, for which Swift has no names.
    .target(name: "CSpawn"),

    // The product, from the bytes up.
    .target(name: "SystemCalls", dependencies: ["CSpawn"], swiftSettings: strict),
    .target(name: "Console", dependencies: ["SystemCalls"], swiftSettings: strict),
    .target(name: "Digests", dependencies: ["COpenSSL", "CCarryless"], swiftSettings: strict),
    .target(name: "Encoding", dependencies: ["Digests", "CZstd"], swiftSettings: strict),
    .target(
      name: "SnapshotFile", dependencies: ["Digests", "SystemCalls"], swiftSettings: strict),
    .target(name: "Volume", dependencies: ["SystemCalls"], swiftSettings: strict),
    .target(
      name: "Certificates", dependencies: ["COpenSSL", "Console", "SystemCalls"],
      swiftSettings: strict),
    .target(
      name: "HTTP", dependencies: ["CCurl", "Certificates", "Console"], swiftSettings: strict),
    .target(
      name: "Etcd", dependencies: ["HTTP", "SnapshotFile", "Console"],
      swiftSettings: strict),
    .target(
      name: "Azure", dependencies: ["HTTP", "Certificates", "Digests", "Console", "CExpat"],
      swiftSettings: strict),
    .target(
      name: "Kubernetes",
      dependencies: ["HTTP", "Certificates", "Console", "SystemCalls", "CYAML"],
      swiftSettings: strict,
      // The static library by its file name: a module map could only name the shared one.
      linkerSettings: [.unsafeFlags(["-Xlinker", "-l:libyaml.a"])]),
    // What to do about each error, in the words of this program's settings.
    .target(
      name: "Hints",
      dependencies: ["HTTP", "Certificates", "SnapshotFile", "Etcd", "Azure", "Kubernetes"],
      swiftSettings: strict),
    .target(
      name: "Backup",
      dependencies: [
        "Hints", "HTTP", "Certificates", "Digests", "Encoding", "SnapshotFile", "Etcd", "Azure",
        "Kubernetes", "Console", "SystemCalls",
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "etcd-backup",
      dependencies: [
        "Backup", "SnapshotFile", "Certificates", "Console", "CProcess", "Volume",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict,
      linkerSettings: [
        .unsafeFlags(
          ["-Xlinker", "--gc-sections", "-Xlinker", "-s"], .when(configuration: .release))
      ]),

    // What all test targets share.
    .target(
      name: "TestSupport", dependencies: ["Digests"], path: "Tests/TestSupport",
      swiftSettings: strict),

    .testTarget(name: "TestSupportTests", dependencies: ["TestSupport"], swiftSettings: strict),
    .testTarget(
      name: "SystemCallsTests", dependencies: ["SystemCalls", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "DigestsTests", dependencies: ["Digests", "TestSupport"], swiftSettings: strict),
    .testTarget(
      name: "EncodingTests",
      dependencies: ["Encoding", "Digests", "TestSupport", "EncodingTestSupport"],
      swiftSettings: strict),
    .target(
      name: "EncodingTestSupport", dependencies: ["Encoding", "Digests", "TestSupport"],
      path: "Tests/EncodingTestSupport", swiftSettings: strict),
    // Encryption and compression against the programs age and zstd.
    .executableTarget(
      name: "EncodingBench", dependencies: ["Encoding", "TestSupport"],
      path: "Tests/EncodingBench"),
    .testTarget(
      name: "CertificatesTests", dependencies: ["Certificates", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "HTTPTests", dependencies: ["HTTP", "Hints", "Certificates", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "EtcdTests",
      dependencies: [
        "Etcd", "Hints", "SnapshotFile", "HTTP", "Digests", "TestSupport",
        "SnapshotFileTestSupport",
      ],
      swiftSettings: strict),
    .target(
      name: "AzureTestSupport", dependencies: ["Azure", "HTTP", "TestSupport"],
      path: "Tests/AzureTestSupport", swiftSettings: strict),
    .testTarget(
      name: "AzureTests",
      dependencies: [
        "Azure", "AzureTestSupport", "Hints", "HTTP", "Console", "Digests", "TestSupport",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "KubernetesTests",
      dependencies: ["Kubernetes", "Hints", "HTTP", "Certificates", "TestSupport"],
      swiftSettings: strict),
    // Throughput and memory of the page check at the size of a large database.
    .executableTarget(
      name: "PageBench", dependencies: ["SnapshotFile"], path: "Tests/PageBench"),
    .testTarget(
      name: "BackupTests",
      dependencies: [
        "Backup", "Hints", "SnapshotFile", "Etcd", "Azure", "AzureTestSupport", "Kubernetes",
        "HTTP", "Certificates",
        "Digests", "Encoding", "Console", "TestSupport",
      ],
      swiftSettings: strict),
    .target(
      name: "SnapshotFileTestSupport", dependencies: ["SnapshotFile"],
      path: "Tests/SnapshotFileTestSupport",
      swiftSettings: strict),
    .testTarget(
      name: "SnapshotFileTests",
      dependencies: ["SnapshotFile", "SnapshotFileTestSupport", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "ConsoleTests", dependencies: ["Console"], swiftSettings: [.swiftLanguageMode(.v6)]),
    .testTarget(name: "VolumeTests", dependencies: ["Volume"], swiftSettings: strict),
  ]
)

// libFuzzer brings a `main` of its own, so these targets are there for `make fuzz` alone.
if Context.environment["FUZZ"] != nil {
  let library = strict + [.unsafeFlags(["-parse-as-library"])]
  package.targets += [
    .target(name: "FuzzSupport", path: "Tests/Fuzz/Support", swiftSettings: strict),
    .executableTarget(
      name: "SnapshotFuzz",
      dependencies: ["Etcd", "HTTP", "SnapshotFile", "Digests", "FuzzSupport", "TestSupport"],
      path: "Tests/Fuzz/Snapshot", swiftSettings: library),
    .executableTarget(
      name: "PageFuzz", dependencies: ["SnapshotFile", "SnapshotFileTestSupport", "FuzzSupport"],
      path: "Tests/Fuzz/Page", swiftSettings: library),
    .executableTarget(
      name: "EncodingFuzz", dependencies: ["Encoding", "EncodingTestSupport", "FuzzSupport"],
      path: "Tests/Fuzz/Encoding", swiftSettings: library),
  ]
}
