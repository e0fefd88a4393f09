package scripts

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// baseANN stands for the framework: what its base/module.py asks of an algorithm.
const baseANN = `
class BaseANN(object):
    def done(self): pass
    def fit(self, X): pass
    def query(self, q, n): return []
    def get_memory_usage(self): return 0.0
    def __str__(self): return self.name
`

// driver does what the framework's runner does: fit, query arguments, single queries, done; and judges the answers.
const driver = `
import sys, numpy
from ann_benchmarks.algorithms.hannoy.module import Hannoy
rng = numpy.random.default_rng(1)
X = rng.standard_normal((2000, 24)).astype("f4")
Q = rng.standard_normal((30, 24)).astype("f4")
for metric in ["euclidean", "angular"]:
    algo = Hannoy(metric, {"M": 8, "efConstruction": 100})
    algo.fit(X)
    if metric == "angular":
        true = -(Q @ X.T) / numpy.linalg.norm(X, axis=1)
    else:
        true = ((Q[:, None] - X[None]) ** 2).sum(2)
    for ef, k in [(10, 10), (200, 10), (200, 25)]:
        algo.set_query_arguments(ef)
        found = 0
        for q, d in zip(Q, true):
            answer = algo.query(q, k)
            assert len(answer) == k and len(set(answer)) == k, answer
            found += len(set(answer) & set(d.argsort()[:k].tolist()))
        recall = found / (len(Q) * k)
        assert recall > (.95 if ef == 200 else .4), (metric, ef, recall)
    assert "ef 200" in str(algo)
    algo.done()
try:
    Hannoy("jaccard", {})
    sys.exit("jaccard was taken")
except NotImplementedError:
    pass
print("ok")
`

// TestANNBenchmarks runs the module for ann-benchmarks, through its pipe, against the framework's base class.
func TestANNBenchmarks(t *testing.T) {
	python := ""
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(name, "-c", "import numpy").Run() == nil {
			python = name
			break
		}
	}
	if python == "" {
		t.Skip("no Python with numpy here")
	}
	dir := t.TempDir()
	module, err := os.ReadFile(root + "/benchmarks/annbenchmarks/module.py")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"ann_benchmarks/__init__.py": "", "ann_benchmarks/algorithms/__init__.py": "", "ann_benchmarks/algorithms/hannoy/__init__.py": "",
		"ann_benchmarks/algorithms/base/__init__.py": "", "ann_benchmarks/algorithms/base/module.py": baseANN,
		"ann_benchmarks/algorithms/hannoy/module.py": string(module), "driver.py": driver,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := inShell(dir, python+" driver.py"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
