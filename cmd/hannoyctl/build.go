package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/internal/vecfile"
)

const buildHelp = `Build puts every row of a file of vectors into an index, which it creates if need be, and builds the graph.

The key of a row is its number, from 0 in decimal, unless --keys or the row's JSON names it. Run again, it goes on where
it was interrupted; rows that are stored already are passed over, rows that differ replace what is stored.

Without --input it builds the graph over what was put before.

Formats, by extension or --format, each also with .gz or .zst:
  fvecs bvecs ivecs  fbin u8bin i8bin ibin  npy  jsonl ({"key": "a", "vector": [0.1, 0.2], "value": any JSON})
Under --metric hamming a row's bytes are packed bits: u8bin, bvecs, npy of u1, or "bits" in jsonl.`

const buildExample = `  hannoyctl build photos --input base.fbin --metric cosine
  hannoyctl build words --input words.npy --keys words.txt --threads 2 --memory 512MiB
  zcat vectors.jsonl.gz | hannoyctl build docs --input - --format jsonl`

type buildFlags struct {
	location
	input
	keys           string
	metric         string
	m              int
	efConstruction int
	threads        int
	memory         byteSize
	seed           uint64
	ids            bool
}

func newBuild() *cobra.Command {
	f := &buildFlags{memory: 1 << 30}
	cmd := &cobra.Command{
		Use: "build DB --input FILE", Short: "put a file of vectors into an index and build its graph",
		Long: buildHelp, Example: buildExample, Args: oneDB,
		RunE: func(cmd *cobra.Command, args []string) error {
			f.dir = args[0]
			return f.run(cmd)
		},
	}
	f.location.addTo(cmd)
	f.input.addTo(cmd, "input", "file of vectors")
	flags := cmd.Flags()
	flags.StringVar(&f.keys, "keys", "", "file of keys, one a line, in the order of the rows")
	flags.StringVar(&f.metric, "metric", "euclidean", "euclidean, cosine, inner-product, manhattan or hamming; fixed at creation")
	flags.IntVar(&f.m, "m", 16, "links of a vector; fixed at creation")
	flags.IntVar(&f.efConstruction, "ef-construction", 200, "width of the search for links; fixed at creation")
	flags.Uint64Var(&f.seed, "seed", 0, "seed of levels and order; fixed at creation")
	flags.BoolVar(&f.ids, "ids", false, "keys are uint32 ids; fixed at creation")
	flags.IntVar(&f.threads, "threads", 0, "threads that build (default: all processors)")
	flags.Var(&f.memory, "memory", "memory that the build may use beyond the page cache")
	return cmd
}

// buildResult is what build --json prints.
type buildResult struct {
	Index          string  `json:"index"`
	Items          int     `json:"items"`
	New            int64   `json:"new"`
	Updated        int64   `json:"updated"`
	Unchanged      int64   `json:"unchanged"`
	Linked         int     `json:"linked"`
	Removed        int     `json:"removed"`
	Threads        int     `json:"threads"`
	Seconds        float64 `json:"seconds"`
	StoreSeconds   float64 `json:"store_seconds"`
	BuildSeconds   float64 `json:"build_seconds"`
	CPUSeconds     float64 `json:"cpu_seconds"`
	Rounds         int     `json:"rounds"`
	Commits        int     `json:"commits"`
	RecordsWritten int     `json:"records_written"`
	BytesWritten   int64   `json:"bytes_written"`
	Distances      uint64  `json:"distances"`
	Bytes          int64   `json:"bytes"` // of the data file
	RSSMB          float64 `json:"rss_mb"`
	OwnMB          float64 `json:"own_mb,omitempty"` // peak of the build without the memory map
}

func (f *buildFlags) run(cmd *cobra.Command) error {
	if err := f.check(cmd); err != nil {
		return err
	}
	start, cpu := time.Now(), cpuTime()
	memory := watchMemory()
	bar := newBar(cmd.ErrOrStderr())
	im := &importer{bar: bar}
	err := f.store(cmd, im)
	if im.ix != nil {
		defer im.ix.Close()
	}
	stored := time.Now()
	var built *hannoy.BuildReport
	if err == nil {
		built, err = buildGraph(cmd.Context(), im.ix, f.threads, int64(f.memory), bar)
	}
	own := memory.end()
	if errors.Is(err, context.Canceled) {
		return withHint(err, "what was committed stands; the same command goes on from there")
	}
	if err != nil {
		return err
	}
	result := buildResult{
		New: im.added, Updated: im.updated, Unchanged: im.unchanged,
		Seconds: seconds(time.Since(start)), StoreSeconds: seconds(stored.Sub(start)), BuildSeconds: seconds(built.Elapsed),
		CPUSeconds: seconds(cpuTime() - cpu), RSSMB: peakResidentMB(), OwnMB: own,
	}
	result.describe(im.ix, built)
	if wantsJSON(cmd) {
		return printJSON(cmd.OutOrStdout(), result)
	}
	return result.print(cmd.OutOrStdout(), im.ix)
}

func (f *buildFlags) check(cmd *cobra.Command) error {
	if f.keys != "" && f.file == "" {
		return usageOf(cmd, errors.New("--keys needs --input"))
	}
	if f.threads < 0 {
		return usageOf(cmd, fmt.Errorf("--threads %d: there must be at least 1", f.threads))
	}
	if _, err := hannoy.ParseMetric(f.metric); err != nil {
		return usageOf(cmd, fmt.Errorf("--metric: %w", err))
	}
	for name, v := range map[string]int{"m": f.m, "ef-construction": f.efConstruction} {
		if v < 1 {
			return usageOf(cmd, fmt.Errorf("--%s %d: it must be at least 1", name, v))
		}
	}
	return nil
}

// options are what the flags say about the index: of those that were not given, nothing, so that the stored ones hold.
func (f *buildFlags) options(cmd *cobra.Command) *hannoy.Options {
	given := cmd.Flags().Changed
	o := &hannoy.Options{Index: f.index}
	if given("metric") {
		o.Metric, _ = hannoy.ParseMetric(f.metric)
	}
	if given("m") {
		o.M = f.m
	}
	if given("ef-construction") {
		o.EfConstruction = f.efConstruction
	}
	if given("seed") {
		o.Seed = f.seed
	}
	o.IDs = f.ids
	return o
}

// store opens or creates the index and imports the input, if there is one.
func (f *buildFlags) store(cmd *cobra.Command, im *importer) error {
	existing := f.options(cmd)
	existing.MustExist = true
	ix, err := hannoy.Open(f.dir, existing)
	switch {
	case err == nil:
		im.ix, im.metric = ix, ix.Metric()
		if im.style, err = styleOf(ix); err != nil {
			return err
		}
	case !errors.Is(err, hannoy.ErrNotFound):
		return err
	case f.file == "":
		return f.explain(err)
	default:
		im.metric, _ = hannoy.ParseMetric(f.metric)
		im.style.ids = f.ids
	}
	if f.file == "" {
		return nil
	}
	if im.rows, err = f.openRows(cmd, vecfile.Options{Bits: im.metric == hannoy.Hamming}, ""); err != nil {
		return err
	}
	defer im.rows.Close()
	if err := f.checkDimensions(im); err != nil {
		return err
	}
	if f.keys != "" {
		if im.keys, err = openKeys(f.keys, im.rows.Rows()); err != nil {
			return err
		}
		defer im.keys.close()
	}
	im.create = func(dimensions int) (*hannoy.Index, error) {
		o := f.options(cmd)
		o.Dimensions, o.Metric = dimensions, im.metric
		return hannoy.Open(f.dir, o)
	}
	if err := im.run(cmd.Context()); err != nil {
		return err
	}
	if im.ix == nil {
		return fmt.Errorf("%s holds no rows, so there is nothing to build", f.file)
	}
	return nil
}

func (f *buildFlags) checkDimensions(im *importer) error {
	got := im.rows.Dimensions()
	if im.ix == nil || got == 0 || got == im.ix.Dimensions() {
		return nil
	}
	return withHint(fmt.Errorf("%w: rows of %s have %s dimensions, index %q of %s has %s", hannoy.ErrMismatch,
		f.file, thousands(got), f.index, f.dir, thousands(im.ix.Dimensions())),
		"choose another file, or another index with --index NAME")
}

// buildGraph links what is pending, with the progress on the bar.
func buildGraph(ctx context.Context, ix *hannoy.Index, threads int, memory int64, bar *bar) (*hannoy.BuildReport, error) {
	defer bar.clear()
	return ix.Build(ctx, &hannoy.BuildOptions{Threads: threads, MemoryBudget: memory, Progress: func(p hannoy.BuildProgress) {
		bar.set(phaseNames[p.Phase], int64(p.Done), int64(p.Total), -1)
	}})
}

// phaseNames are the phases of a build as the bar names them.
var phaseNames = map[string]string{"repair": "repairing", "link": "linking"}

func (r *buildResult) describe(ix *hannoy.Index, built *hannoy.BuildReport) {
	r.Index = ix.Name()
	r.Linked, r.Removed, r.Threads = built.Linked, built.Removed, built.Threads
	r.Rounds, r.Commits, r.RecordsWritten = built.Rounds, built.Commits, built.RecordsWritten
	r.BytesWritten, r.Distances = built.BytesWritten, built.Distances
	if info, err := os.Stat(dataFile(ix.Path())); err == nil {
		r.Bytes = info.Size()
	}
	_ = ix.View(func(s *hannoy.Snapshot) error { r.Items = s.Len(); return nil })
}

// dataFile is where LMDB keeps the records.
func dataFile(dir string) string { return filepath.Join(dir, "data.mdb") }

func (r *buildResult) print(w io.Writer, ix *hannoy.Index) error {
	s := newSheet(w)
	s.line("index", "%s of %s", r.Index, ix.Path())
	s.line("vectors", "%s dimensions, %s", thousands(ix.Dimensions()), ix.Metric())
	s.line("items", "%s: %s new, %s updated, %s unchanged", thousands(r.Items), thousands(r.New), thousands(r.Updated), thousands(r.Unchanged))
	s.line("graph", "%s linked, %s removed in %s and %s", thousands(r.Linked), thousands(r.Removed), plural(r.Rounds, "round"), plural(r.Commits, "commit"))
	s.line("time", "%.1f s: storing %.1f, building %.1f on %s; %.1f CPU seconds", r.Seconds, r.StoreSeconds, r.BuildSeconds, plural(r.Threads, "thread"), r.CPUSeconds)
	if r.Items > 0 {
		s.line("size", "%s on disk, %s bytes an item", byteText(r.Bytes), thousands(r.Bytes/int64(r.Items)))
	}
	s.line("memory", "at most %.0f MiB resident", r.RSSMB)
	return s.flush()
}
