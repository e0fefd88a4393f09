package terminal

import (
	"context"

	"github.com/hannoydb/hannoy"
)

// BuildGraph links what is pending, with the progress on the bar.
func BuildGraph(ctx context.Context, ix *hannoy.Index, opts *hannoy.BuildOptions, bar *Bar) (*hannoy.BuildReport, error) {
	defer bar.Clear()
	return ix.Build(ctx, Shown(opts, bar))
}

// Shown has a build show its progress on the bar.
func Shown(opts *hannoy.BuildOptions, bar *Bar) *hannoy.BuildOptions {
	opts.Progress = func(p hannoy.BuildProgress) {
		bar.show(&step{Phase: phaseNames[p.Phase], Done: int64(p.Done), Total: int64(p.Total), Rate: p.Rate, Left: p.Left.Seconds(), fraction: -1})
	}
	return opts
}

// phaseNames are the phases of a build as the bar names them.
var phaseNames = map[string]string{"encode": "encoding", "repair": "repairing", "link": "linking", "publish": "writing"}

// NoGraphText says what an index without a graph does.
const NoGraphText = "none: queries compare with every item"
