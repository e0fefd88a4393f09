package write

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/measure"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/operand"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
	"github.com/hannoydb/hannoy/distance"
	"github.com/hannoydb/hannoy/internal/vecfile"
)

const buildHelp = `Build puts every row of a file of vectors into an index, which it creates if need be, and builds the graph.

The key of a row is its number, from 0 in decimal, unless --keys or the row's JSON names it. Run again, it goes on where
it was interrupted; rows that are stored already are passed over, rows that differ replace what is stored.

Without --input it builds the graph over what was put before. --codes int8, binary or none changes what searches of the
index navigate on; auto is int8 where the metric allows it, and for an index that exists what it has.

With --watch it goes on until it is interrupted, and links what other processes put as it comes, a line for each fold:
all indexes of DB, those created later too, or that of --index. Any number may watch; one at a time builds, and --input waits
for its turn as long as that takes. Without --watch it waits for --wait, and then fails with status 5.

With --rebuild all items are linked anew, with another --m, --ef-construction or --codes if these are given; others read
and write meanwhile, on the old graph. With --no-graph the index that it creates gets no graph: answers are exact, the
file is smaller, and --rebuild makes the graph later. See also hannoyctl alter.

Interrupted by Ctrl-C, it commits what it has linked; killed, it loses at most what it did since the last commit.

--skip-bad passes over rows that cannot be stored (a line that cannot be read, NaN, another number of dimensions, a key that
is too long), says which and why, and counts them; --skip-report writes all of them to a file.

Formats, by extension or --format, each also with .gz or .zst:
  fvecs bvecs ivecs  fbin u8bin i8bin ibin  npy  jsonl ({"key": "a", "vector": [0.1, 0.2], "value": any JSON, "labels": ["lang:en"]})
  csv tsv  columns key, value, labels, and vector ("0.1 0.2") or one column a number; or numbers alone
  parquet  columns likewise, --column vector=emb,key=doc_id names them; hdf5 as of ann-benchmarks, with its metric: both by hannoy-convert
  hnswlib  what its saveIndex writes: vectors under their labels, without those marked deleted

--type f16 stores numbers in two bytes, rounded; --type int8 in one, whole numbers from -128 to 127 only.
Under --metric hamming a row's bytes are packed bits: u8bin, bvecs, npy of u1, or "bits" in jsonl.`

const buildExample = `  hannoyctl build photos --input base.fbin --metric cosine
  hannoyctl build words --input words.npy --keys words.txt --threads 2 --memory 512MiB
  hannoyctl build photos --watch --threads 1
  hannoyctl build docs --input 'parts/*.csv.gz' --skip-bad
  hannoyctl build sift --input sift-128-euclidean.hdf5
  hannoyctl build moved --input index.hnswlib --ids
  hannoyctl build photos --rebuild --m 24 --ef-construction 400
  zcat vectors.jsonl.gz | hannoyctl build docs --input - --format jsonl`

type buildFlags struct {
	operand.Location
	operand.Input
	skipFlags
	turn
	keys           string
	labels         string
	metric         hannoy.Metric
	typ            hannoy.VectorType
	m              terminal.Count
	efConstruction terminal.Count
	threads        terminal.Count
	memory         terminal.ByteSize
	commitEvery    time.Duration
	codes          string
	seed           uint64
	ids            bool
	watch          bool
	rebuild        bool
	noGraph        bool
	pending        terminal.Count
	age            time.Duration
}

func newBuild() *cobra.Command {
	f := &buildFlags{memory: 1 << 30, m: 16, efConstruction: 200}
	cmd := &cobra.Command{
		Use: "build DB [--input FILE]", Short: "put a file of vectors into an index and build its graph",
		Long: buildHelp, Example: buildExample, Args: f.OneDB,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.Location.AddTo(cmd)
	f.Input.AddTo(cmd, "file of vectors, or several: may be given again, and *, ? and [a-z] stand for parts of a name")
	f.skipFlags.addTo(cmd)
	f.turn.addTo(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.keys, "keys", "", "file of keys, one a line, in the order of the rows")
	flags.StringVar(&f.labels, "labels", "", "file of labels, a line for each row, labels separated by tabs")
	flags.TextVar(&f.metric, "metric", hannoy.Euclidean, "`name`: euclidean, cosine, inner-product, manhattan or hamming; fixed at creation")
	flags.TextVar(&f.typ, "type", hannoy.F32, "`name` of how numbers are stored: f32, f16 or int8; fixed at creation")
	flags.Var(&f.m, "m", "links of a vector; at creation and with --rebuild")
	flags.Var(&f.efConstruction, "ef-construction", "width of the search for links; at creation and with --rebuild")
	flags.Uint64Var(&f.seed, "seed", 0, "seed of levels and order; fixed at creation")
	flags.BoolVar(&f.ids, "ids", false, "keys are uint32 ids; fixed at creation")
	flags.StringVar(&f.codes, "codes", "auto", "short stand-ins of the vectors to navigate on: auto, int8, binary or none")
	flags.Var(&f.threads, "threads", "threads that build (default: all processors)")
	flags.Var(&f.memory, "memory", "memory that the build may use beyond the page cache")
	flags.DurationVar(&f.commitEvery, "commit-every", 5*time.Minute, "time between commits")
	flags.BoolVar(&f.watch, "watch", false, "go on and build what is put from now on, until interrupted")
	flags.BoolVar(&f.rebuild, "rebuild", false, "link all items anew")
	flags.BoolVar(&f.noGraph, "no-graph", false, "create the index without a graph")
	flags.Var(&f.pending, "pending", "with --watch, build at the latest when half of so many items are pending (default: by size of vectors)")
	flags.DurationVar(&f.age, "age", time.Second, "with --watch, build at the latest after this time")
	return cmd
}

func (f *buildFlags) run(cmd *cobra.Command) error {
	if f.watch {
		f.wait = math.MaxInt64 // whoever else watches is at work again and again
	}
	err := f.check(cmd)
	if err == nil && (f.File != "" || !f.watch) {
		err = f.once(cmd)
	}
	if err == nil && f.watch {
		err = f.watchAll(cmd)
	}
	return err
}

// once stores the input, if there is one, and builds.
func (f *buildFlags) once(cmd *cobra.Command) error {
	limitMemory(f.memory)
	start, cpu := time.Now(), measure.CPUTime()
	memory := measure.WatchMemory()
	bar := operand.NewBar(cmd)
	im := &importer{bar: bar, batchBytes: int(min(maxBatchBytes, f.memory/batchMemoryShare))}
	err := f.store(cmd, im)
	if im.ix != nil {
		defer im.ix.Close()
	}
	stored, storeOwn := time.Now(), memory.SoFar()
	if errors.Is(err, context.Canceled) {
		return terminal.WithHint(err, fmt.Sprintf("%s stored; the same command goes on from there", terminal.Plural(int(im.stored), "row")))
	}
	var built *hannoy.BuildReport
	if err == nil {
		built, err = f.build(cmd, im.ix, bar)
	}
	own := memory.End()
	if errors.Is(err, context.Canceled) && f.rebuild {
		return terminal.WithHint(err, "the graph is the one that there was; if there was none, hannoyctl build goes on with the new one")
	}
	if errors.Is(err, context.Canceled) {
		linked := 0
		if built != nil {
			linked = built.Linked
		}
		return terminal.WithHint(err, fmt.Sprintf("%s linked and kept; the next build goes on from there", terminal.Plural(linked, "item")))
	}
	if errors.Is(err, hannoy.ErrBusy) {
		return terminal.WithHint(err, "what was put is stored and answers; whoever builds now, or the next build, links it (--wait waits longer)")
	}
	if err != nil {
		return err
	}
	result := buildResult{
		New: im.added, Updated: im.updated, Unchanged: im.unchanged, Skipped: im.skipped.count(),
		Seconds: terminal.Seconds(time.Since(start)), StoreSeconds: terminal.Seconds(stored.Sub(start)), BuildSeconds: terminal.Seconds(built.Elapsed),
		CPUSeconds: terminal.Seconds(measure.CPUTime() - cpu), RSSMB: measure.PeakResidentMB(), StoreOwnMB: storeOwn, OwnMB: own,
	}
	result.describe(im.ix, built)
	if operand.WantsJSON(cmd) {
		return operand.PrintJSON(cmd, result)
	}
	return result.print(cmd.OutOrStdout(), im.ix)
}

const (
	minMemory = 64 << 20 // less is not enough for the runtime, the searches of a round and a commit
	// goMemoryShare is the part of the memory, in percent, that Go's heap may grow to before the collector works harder.
	// A build leaves room in it beside what it takes for links.
	goMemoryShare = 72
	// linkingGarbage is how much of what Go's heap holds, in percent of what is in use, may be garbage while links are made.
	// The page cache has better use for it, and so little is made that the collector has no work.
	linkingGarbage = 30
)

func checkMemory(memory terminal.ByteSize) error {
	if memory < minMemory {
		return fmt.Errorf("--memory %s: a build needs at least %s", &memory, terminal.Bytes(minMemory))
	}
	return nil
}

// limitMemory makes the garbage collector keep to its share; LMDB's own, the pages of a commit, is not its to see.
func limitMemory(memory terminal.ByteSize) { debug.SetMemoryLimit(int64(memory) * goMemoryShare / 100) }

// build gives the index the codes that were asked for and links what is pending.
func (f *buildFlags) build(cmd *cobra.Command, ix *hannoy.Index, bar *terminal.Bar) (*hannoy.BuildReport, error) {
	debug.SetGCPercent(linkingGarbage)
	debug.FreeOSMemory() // what storing took
	o := &hannoy.BuildOptions{Threads: int(f.threads), MemoryBudget: int64(f.memory), CommitEvery: f.commitEvery, CommitOnCancel: true}
	if f.rebuild {
		return f.relink(cmd, ix, o, bar)
	}
	if wanted, _ := hannoy.ParseCodes(f.codes); wanted != hannoy.CodesAuto {
		has, err := ix.Codes()
		if err != nil {
			return nil, err
		}
		if has != wanted {
			fmt.Fprintf(cmd.ErrOrStderr(), "hannoyctl: the codes of %s change from %s to %s\n", &f.Location, has, wanted)
			err := f.take(cmd.Context(), func() error {
				_, err := ix.Alter(cmd.Context(), &hannoy.AlterOptions{Codes: new(wanted)})
				return err
			})
			if err != nil {
				return nil, err
			}
		}
	}
	var built *hannoy.BuildReport
	err := f.take(cmd.Context(), func() (err error) {
		built, err = terminal.BuildGraph(cmd.Context(), ix, o, bar)
		return err
	})
	return built, err
}

// relink builds a new graph over all items.
func (f *buildFlags) relink(cmd *cobra.Command, ix *hannoy.Index, build *hannoy.BuildOptions, bar *terminal.Bar) (*hannoy.BuildReport, error) {
	defer bar.Clear()
	o := &hannoy.AlterOptions{Rebuild: true, Build: terminal.Shown(build, bar)}
	if cmd.Flags().Changed("codes") {
		codes, _ := hannoy.ParseCodes(f.codes)
		o.Codes = &codes
	}
	if cmd.Flags().Changed("m") {
		o.M = int(f.m)
	}
	if cmd.Flags().Changed("ef-construction") {
		o.EfConstruction = int(f.efConstruction)
	}
	var report *hannoy.AlterReport
	err := f.take(cmd.Context(), func() (err error) {
		report, err = ix.Alter(cmd.Context(), o)
		return err
	})
	if err != nil {
		return nil, err
	}
	return report.Build, nil
}

func (f *buildFlags) check(cmd *cobra.Command) error {
	if f.keys != "" && f.File == "" {
		return terminal.UsageOf(cmd, errors.New("--keys needs --input"))
	}
	if f.labels != "" && f.File == "" {
		return terminal.UsageOf(cmd, errors.New("--labels needs --input"))
	}
	if _, err := hannoy.ParseCodes(f.codes); err != nil {
		return terminal.UsageOf(cmd, fmt.Errorf("--codes: %w", err))
	}
	if err := checkMemory(f.memory); err != nil {
		return terminal.UsageOf(cmd, err)
	}
	if f.rebuild && (f.noGraph || f.watch) {
		return terminal.UsageOf(cmd, errors.New("--rebuild goes with neither --no-graph nor --watch"))
	}
	if given := cmd.Flags().Changed; !f.watch && (given("pending") || given("age")) {
		return terminal.UsageOf(cmd, errors.New("--pending and --age need --watch"))
	}
	if f.age <= 0 {
		return terminal.UsageOf(cmd, fmt.Errorf("--age %s: it must be longer than no time", f.age))
	}
	if f.commitEvery <= 0 {
		return terminal.UsageOf(cmd, fmt.Errorf("--commit-every %s: it must be longer than no time", f.commitEvery))
	}
	return nil
}

// options are what the flags say about the index: of those that were not given, nothing, so that the stored ones hold.
func (f *buildFlags) options(cmd *cobra.Command) *hannoy.Options {
	given := cmd.Flags().Changed
	o := &hannoy.Options{Index: f.Index}
	if given("metric") {
		o.Metric = f.metric
	}
	if given("type") {
		o.VectorType = f.typ
	}
	if given("m") && !f.rebuild {
		o.M = int(f.m)
	}
	if given("ef-construction") && !f.rebuild {
		o.EfConstruction = int(f.efConstruction)
	}
	if given("seed") {
		o.Seed = f.seed
	}
	o.IDs, o.NoGraph = f.ids, f.noGraph
	return o
}

// store opens or creates the index and imports the input, if there is one.
func (f *buildFlags) store(cmd *cobra.Command, im *importer) error {
	existing := f.options(cmd)
	existing.MustExist = true
	ix, err := hannoy.Open(f.Dir, existing)
	switch {
	case err == nil:
		im.ix, im.style = ix, operand.StyleOf(ix)
		f.metric, f.typ = ix.Metric(), ix.VectorType()
	case !errors.Is(err, hannoy.ErrNotFound):
		return err
	case f.File == "":
		return f.Hint(err)
	default:
		im.style = operand.KeyStyle{IDs: f.ids}
		if !cmd.Flags().Changed("type") {
			f.typ = hannoy.TypeFor(f.metric)
		}
	}
	if f.File == "" {
		return nil
	}
	if im.skipped, err = f.skipFlags.open(cmd); err != nil {
		return err
	}
	defer im.skipped.close()
	if im.rows, err = f.OpenRows(cmd, vecfile.Options{Bits: f.metric == hannoy.Hamming, Skip: im.skipped.function()}, ""); err != nil {
		return err
	}
	defer im.rows.Close()
	if metric := im.rows.Metric(); metric != "" && im.ix == nil && !cmd.Flags().Changed("metric") {
		if err := f.metric.UnmarshalText([]byte(metric)); err != nil {
			return err
		}
	}
	if err := f.checkDimensions(im); err != nil {
		return err
	}
	if n := im.rows.Dimensions(); n > 0 { // else the file is empty
		if im.kernel, err = distance.New(f.metric, f.typ, n); err != nil {
			return terminal.UsageOf(cmd, err)
		}
	}
	if f.keys != "" {
		if im.keys, err = operand.OpenKeysFor(f.keys, "key", im.rows.Rows()); err != nil {
			return err
		}
		defer im.keys.Close()
	}
	if f.labels != "" {
		if im.labels, err = operand.OpenKeysFor(f.labels, "line", im.rows.Rows()); err != nil {
			return err
		}
		defer im.labels.Close()
	}
	im.create = func(dimensions int) (*hannoy.Index, error) {
		o := f.options(cmd)
		o.Dimensions, o.Metric, o.VectorType = dimensions, f.metric, f.typ
		o.Codes, _ = hannoy.ParseCodes(f.codes)
		return hannoy.Open(f.Dir, o)
	}
	if err := im.run(cmd.Context()); err != nil {
		return err
	}
	if im.ix == nil {
		return fmt.Errorf("%s holds no rows, so there is nothing to build", f.File)
	}
	return nil
}

func (f *buildFlags) checkDimensions(im *importer) error {
	got := im.rows.Dimensions()
	if im.ix == nil || got == 0 || got == im.ix.Dimensions() {
		return nil
	}
	return terminal.WithHint(fmt.Errorf("%w: rows of %s have %s dimensions, %s has %s", hannoy.ErrMismatch,
		f.File, terminal.Thousands(got), &f.Location, terminal.Thousands(im.ix.Dimensions())),
		"choose another file, or another index with --index NAME")
}
