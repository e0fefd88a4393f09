//go:build lmdb_powerdns

package lmdb

import binding "github.com/PowerDNS/lmdb-go/lmdb"

// Binding names the LMDB binding that this program was built with.
const Binding = "github.com/PowerDNS/lmdb-go"

// What is opened, begun and asked, and the two kinds of errors that the binding has.
type (
	Env     = binding.Env
	Txn     = binding.Txn
	DBI     = binding.DBI
	OpError = binding.OpError
	Errno   = binding.Errno
)

// Flags of environments, transactions and writes; steps of cursors.
const (
	Readonly    = binding.Readonly
	NoSync      = binding.NoSync
	NoOverwrite = binding.NoOverwrite
	First       = binding.First
	Next        = binding.Next
	SetRange    = binding.SetRange
)

// What LMDB may say is wrong.
const (
	NotFound        = binding.NotFound
	KeyExist        = binding.KeyExist
	MapFull         = binding.MapFull
	ReadersFull     = binding.ReadersFull
	VersionMismatch = binding.VersionMismatch
	Invalid         = binding.Invalid
	Corrupted       = binding.Corrupted
	PageNotFound    = binding.PageNotFound
	MapResized      = binding.MapResized
	Panic           = binding.Panic
)

var (
	// NewEnv returns an environment that is not open yet.
	NewEnv = binding.NewEnv
	// Version tells which LMDB is linked in.
	Version = binding.VersionString
)
