//go:build lmdb_powerdns

package kv

import "github.com/PowerDNS/lmdb-go/lmdb"

// Binding names the LMDB binding that this program was built with.
const Binding = "github.com/PowerDNS/lmdb-go"

type (
	rawEnv  = lmdb.Env
	rawTxn  = lmdb.Txn
	rawDBI  = lmdb.DBI
	opError = lmdb.OpError
	errno   = lmdb.Errno
)

const (
	flagReadonly    = lmdb.Readonly
	flagNoSync      = lmdb.NoSync
	flagNoOverwrite = lmdb.NoOverwrite
	opFirst         = lmdb.First
	opNext          = lmdb.Next
	opSetRange      = lmdb.SetRange

	errnoNotFound        = lmdb.NotFound
	errnoKeyExist        = lmdb.KeyExist
	errnoMapFull         = lmdb.MapFull
	errnoReadersFull     = lmdb.ReadersFull
	errnoVersionMismatch = lmdb.VersionMismatch
	errnoInvalid         = lmdb.Invalid
	errnoCorrupted       = lmdb.Corrupted
	errnoPageNotFound    = lmdb.PageNotFound
	errnoMapResized      = lmdb.MapResized
	errnoPanic           = lmdb.Panic
)

var (
	newRawEnv = lmdb.NewEnv
	// LMDBVersion tells which LMDB is linked in.
	LMDBVersion = lmdb.VersionString
)
