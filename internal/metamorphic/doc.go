// Package metamorphic tests the library by random lists of operations under random options. It is a module of its own,
// so that what it needs is no dependency of the library.
package metamorphic
