// Package modules runs the tests of the nested modules, so that `go test ./...` is all there is to run. It is a package of its
// own for these to run beside the others.
package modules
