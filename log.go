package hannoy

import (
	"context"
	"log/slog"
	"time"
)

// log tells the logger of the options, if there is one, what has happened to the index.
func (ix *Index) log(ctx context.Context, level slog.Level, message string, args ...any) {
	if ix.logger == nil {
		return
	}
	ix.logger.With("path", ix.Path(), "index", ix.name).Log(ctx, level, message, args...)
}

// warner is log for warnings, nil without a logger.
func (ix *Index) warner() func(message string, args ...any) {
	if ix.logger == nil {
		return nil
	}
	return func(message string, args ...any) { ix.log(context.Background(), slog.LevelWarn, message, args...) }
}

// logBuild tells of a build that had something to do, or failed.
func (ix *Index) logBuild(ctx context.Context, r *BuildReport, err error) {
	switch {
	case err != nil:
		ix.log(ctx, slog.LevelWarn, "hannoy: build failed", "error", err)
	case r.Linked+r.Removed > 0:
		ix.log(ctx, slog.LevelInfo, "hannoy: built", "linked", r.Linked, "removed", r.Removed, "commits", r.Commits, "took", r.Elapsed)
	}
}

// logSearch tells of a search that took long.
func (ix *Index) logSearch(ctx context.Context, start time.Time, k int, stats *SearchStats, err error) {
	took := time.Since(start)
	if took <= ix.slow {
		return
	}
	args := []any{"took", took, "k", k, "did", stats.Explain()}
	if err != nil {
		args = append(args, "error", err)
	}
	ix.log(ctx, slog.LevelWarn, "hannoy: slow search", args...)
}
