// Command hannoy-convert reads and writes the file formats that need large libraries: parquet and HDF5.
//
// It is a module of its own, so that neither the library nor hannoyctl carry these libraries. hannoyctl runs it for files
// that end in .parquet, .hdf5 and .h5, when it lies beside hannoyctl or on the PATH:
//
//	hannoy-convert read [-part NAME] [-columns vector=emb,key=id] [-bits] FILE    rows to standard output
//	hannoy-convert write FILE                                                     rows from standard input to a parquet file
//
// Rows travel in the format "rows", which rows.go describes. Errors go to standard error, one line; the exit status is then 1.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

const usage = "usage: hannoy-convert read [-part NAME] [-columns vector=NAME,key=NAME,value=NAME,labels=NAME] [-bits] FILE | hannoy-convert write FILE"

func run(args []string, in io.Reader, out io.Writer) error {
	if len(args) == 0 {
		return errors.New(usage)
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	var o readOptions
	flags.StringVar(&o.part, "part", "train", "dataset of an HDF5 file")
	flags.StringVar(&o.columns, "columns", "", "names of the columns of a parquet file")
	flags.BoolVar(&o.bits, "bits", false, "rows are packed bits")
	if err := flags.Parse(args[1:]); err != nil || flags.NArg() != 1 {
		return errors.New(usage)
	}
	name := flags.Arg(0)
	buffered := bufio.NewWriterSize(out, 256<<10)
	var err error
	switch args[0] {
	case "read":
		err = read(name, o, buffered)
	case "write":
		err = writeParquet(name, bufio.NewReaderSize(in, 256<<10))
	default:
		return errors.New(usage)
	}
	return errors.Join(err, buffered.Flush())
}

func read(name string, o readOptions, out *bufio.Writer) (err error) {
	defer func() {
		if r := recover(); r != nil { // of the libraries, over a damaged file
			err = fmt.Errorf("the file is damaged: %v", r)
		}
	}()
	switch strings.ToLower(filepath.Ext(name)) {
	case ".hdf5", ".h5":
		return readHDF5(name, o, out)
	}
	return readParquet(name, o, out)
}

// readOptions say what to read of a file.
type readOptions struct {
	part    string // dataset of an HDF5 file
	columns string // role=name, separated by commas
	bits    bool
}

// columnOf is the name of the column of a role, from -columns or the usual ones.
func (o readOptions) columnOf(role string, usual ...string) []string {
	for pair := range strings.SplitSeq(o.columns, ",") {
		if r, name, ok := strings.Cut(pair, "="); ok && r == role {
			return []string{name}
		}
	}
	return usual
}
