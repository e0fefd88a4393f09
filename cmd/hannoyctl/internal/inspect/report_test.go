package inspect

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/operand"
)

// reportedIndex makes an index with labels, and a key that is HTML.
func reportedIndex(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "flowers")
	ix, err := hannoy.Open(dir, &hannoy.Options{Dimensions: 8, Index: operand.DefaultIndex})
	if err != nil {
		t.Fatal(err)
	}
	defer ix.Close()
	random := rand.New(rand.NewPCG(5, 5))
	_, err = ix.Update(context.Background(), func(b *hannoy.Batch) error {
		for i := range 1500 {
			v := make([]float32, 8)
			for j := range v {
				v[j] = float32(random.NormFloat64())
			}
			v[i%3] += 8
			key := fmt.Sprintf("flower %d", i)
			if i == 0 {
				key = "</script><b>&"
			}
			if err := b.Put([]byte(key), v, hannoy.Labels([]string{"rose", "iris", "<i>lily</i>"}[i%3])); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		_, err = ix.Build(context.Background(), nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestReport makes a page and, where there is a browser, looks at it: every chart drawn, no error, nothing fetched.
func TestReport(t *testing.T) {
	dir := reportedIndex(t)
	name := filepath.Join(filepath.Dir(dir), "report.html")
	command := newReport()
	command.SetArgs([]string{dir, "-o", name, "--sample", "300", "--queries", "30"})
	command.SetOut(io.Discard)
	if err := command.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(page, []byte("</script><b>")) || bytes.Contains(page, []byte(`src="http`)) || bytes.Contains(page, []byte("{{")) {
		t.Error("a key gets out of the data, the page fetches something, or a part of it is missing")
	}
	browser, err := findBrowser()
	if err != nil {
		t.Skip("no look at the page: ", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	picture := filepath.Join(artefacts(t), "report.png")
	flags := []string{"--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--user-data-dir=" + t.TempDir(),
		"--host-resolver-rules=MAP * ~NOTFOUND", "--window-size=1240,2300"}
	dom, err := exec.CommandContext(ctx, browser, append(flags, "--dump-dom", "file://"+name)...).Output()
	if err != nil {
		t.Skip("no look at the page, the browser does not run here: ", err)
	}
	const charts = 8
	body := string(dom[bytes.LastIndex(dom, []byte("<body")):])
	body, _, _ = strings.Cut(body, ">")
	if !strings.Contains(body, fmt.Sprintf(`data-drawn="%d"`, charts)) || strings.Contains(body, "data-error") {
		t.Errorf("the page ends as %s>, want %d charts and no error", body, charts)
	}
	if !bytes.Contains(dom, []byte("<b>1,500</b>")) || !bytes.Contains(dom, []byte("<b>sound</b>")) {
		t.Error("the tiles do not say 1,500 items, sound")
	}
	if out, err := exec.CommandContext(ctx, browser, append(flags, "--screenshot="+picture, "file://"+name)...).CombinedOutput(); err != nil {
		t.Skipf("no picture, the browser does not make one here: %v\n%s", err, out)
	}
	if info, err := os.Stat(picture); err != nil || info.Size() < 20<<10 {
		t.Errorf("the picture: %v, %v", info, err)
	}
}

// artefacts is where pictures are kept for people to look at: the directory that HANNOY_ARTEFACTS names.
func artefacts(t *testing.T) string {
	if dir := os.Getenv("HANNOY_ARTEFACTS"); dir != "" {
		return dir
	}
	return t.TempDir()
}

func findBrowser() (path string, err error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err = exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", err
}

// TestComponents finds the two directions in which points were scattered.
func TestComponents(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var rows [][]float64
	for range 400 {
		a, b, c := random.NormFloat64()*10, random.NormFloat64()*3, random.NormFloat64()*.1
		rows = append(rows, []float64{5 + c, (a + b) / math.Sqrt2, (a - b) / math.Sqrt2})
	}
	var xx, yy, xy float64
	for _, p := range components(rows) {
		xx, yy, xy = xx+p[0]*p[0]/400, yy+p[1]*p[1]/400, xy+p[0]*p[1]/400
	}
	if math.Abs(math.Sqrt(xx)-10) > 1 || math.Abs(math.Sqrt(yy)-3) > .3 || math.Abs(xy) > .01 {
		t.Errorf("spread %.2f and %.2f, together %.3f; want 10, 3, 0", math.Sqrt(xx), math.Sqrt(yy), xy)
	}
}

// TestMap keeps groups together that principal components do not tell apart: each around a corner of a simplex of 12.
func TestMap(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 3))
	const groups = 12
	var items []hannoy.Item
	for i := range 360 {
		v := make([]float32, groups)
		for j := range v {
			v[j] = float32(random.NormFloat64()) * .1
		}
		v[i%groups]++
		items = append(items, hannoy.Item{Key: []byte("k"), Vector: v})
	}
	points, err := mapOf(t.Context(), operand.KeyStyle{}, items)
	if err != nil {
		t.Fatal(err)
	}
	together := 0
	for i, p := range points {
		nearest, least := 0, math.Inf(1)
		for j, q := range points {
			if d := math.Hypot(p.X-q.X, p.Y-q.Y); j != i && d < least {
				nearest, least = j, d
			}
		}
		if nearest%groups == i%groups {
			together++
		}
	}
	if together < 350 {
		t.Errorf("%d of 360 points are nearest to one of their group", together)
	}
	again, err := mapOf(t.Context(), operand.KeyStyle{}, items)
	if err != nil || !slices.Equal(points, again) {
		t.Errorf("another run gave another map, %v", err)
	}
	same := []hannoy.Item{{Key: []byte("a"), Bits: []byte{5}}, {Key: []byte("b"), Bits: []byte{5}}}
	if points, err := mapOf(t.Context(), operand.KeyStyle{}, same); err != nil || len(points) != 2 || math.IsNaN(points[0].X) {
		t.Errorf("equal items: %v, %v", points, err)
	}
	if points, err := mapOf(t.Context(), operand.KeyStyle{}, same[:1]); err != nil || len(points) != 1 {
		t.Errorf("one item: %v, %v", points, err)
	}
}
