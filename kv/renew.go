package kv

import "github.com/hannoydb/hannoy/kv/lmdb"

// LMDB begins a read transaction in two steps. It takes the number n of the latest commit,
// and copies the roots of the trees from the meta page of that commit, which is that of commit n+2 too. Whoever is stopped
// between the two while others commit twice goes on with the roots of n+2, or with some
// of each, under the number n.
//
// Commits come one after another: the meta page of n+2 is not touched before n+1 is finished, which means that its own meta
// page is written, is durable, and that transactions which begin are given its number. So the roots are those of n if,
// after they were copied,
//
//   - no meta page has a number above n: so it is nearly always, and asking costs two numbers of the map; or
//   - another transaction that begins is still given n: n+1 is only becoming durable, or
//     who wrote it was killed before he told its number, which is then not told for as long as nobody writes.
//
// Otherwise the transaction begins again. Equal numbers then mean equal contents, on which snapshots rely. Who begins to write
// holds LMDB's lock, and cannot meet with this.

// began is called, by a test, when a read transaction has begun and it is not known yet of what.
var began func()

// begin begins a read transaction.
func (f *files) begin() (*lmdb.Txn, error) {
	txn, err := f.raw.BeginTxn(nil, lmdb.Readonly)
	if err != nil {
		return nil, err
	}
	txn.RawRead = true
	if err := f.steady(txn); err != nil {
		txn.Abort()
		return nil, err
	}
	return txn, nil
}

// renew begins a read transaction that was reset.
func (f *files) renew(txn *lmdb.Txn) error {
	if err := txn.Renew(); err != nil {
		return err
	}
	return f.steady(txn)
}

// steady begins a read transaction, which has just begun, again and again until it is
// of one commit. If it fails the transaction is reset.
func (f *files) steady(txn *lmdb.Txn) error {
	for {
		if began != nil {
			began()
		}
		same, err := f.untouched(uint64(txn.ID()))
		if same {
			return nil
		}
		txn.Reset()
		if err == nil {
			err = txn.Renew()
		}
		if err != nil {
			return err
		}
	}
}

// untouched reports whether nobody can have written yet over the meta page of the commit.
func (f *files) untouched(commit uint64) (bool, error) {
	info, err := f.raw.Info()
	if err != nil {
		return false, err
	}
	last := uint64(info.LastTxnID)
	if last == commit {
		return true, nil
	}
	witness, err := f.raw.BeginTxn(nil, lmdb.Readonly)
	if lmdb.Is(err, lmdb.ReadersFull) {
		// Nobody can be asked. All that is left is that n+2 is being written at this very moment.
		return last == commit+1, nil
	}
	if err != nil {
		return false, err
	}
	defer witness.Abort()
	return uint64(witness.ID()) == commit, nil
}
