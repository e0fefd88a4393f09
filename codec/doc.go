// Package codec lays out every record of an index: values to bytes and back.
//
// It knows no database and no graph. A record is an LMDB key and value; FORMAT.md
// describes each one byte by byte and this package is its only implementation.
//
// Every value begins with a CRC-32C (Castagnoli) of its key followed by the rest
// of the value, so that a flipped bit, a torn record and a record filed under the
// wrong key are all noticed. [Seal] writes it, [Open] verifies it. All integers
// inside values are little-endian; integers inside keys are big-endian, so that
// LMDB's byte order is numeric order.
//
// Encoders come as AppendX, decoders as ParseX or as readers that borrow from the
// value. Decoders never trust: whatever the bytes, they return an error that wraps
// [ErrCorrupt] and do not panic.
package codec
