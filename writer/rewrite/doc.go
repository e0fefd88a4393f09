// Package rewrite writes the files of an environment anew while others read and write.
//
// [Compact] makes them dense, with slots that are linked close to each other; [Alter] gives
// an index another form on the way, where that cannot be done in place; [CopyTo] writes a
// compacted copy elsewhere. What is committed meanwhile is carried over in passes, and
// [kv.Successor] puts the new files in the place of the old.
package rewrite
