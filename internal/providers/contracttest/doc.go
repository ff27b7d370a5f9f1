// Package contracttest holds the contracts of internal/providers as tests. Each
// provider, real or fake, runs the same ones on itself, so that what the
// scheduler may rely on is proved once for all of them and no fake is kinder
// than the real thing.
//
// The package knows providers through their contract and a fixture only. What
// is particular to one provider (crash points, files, delays) is tested beside
// that provider.
package contracttest
