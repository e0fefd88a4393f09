package distance

import (
	"encoding/json"
	"testing"
)

func TestMetricNames(t *testing.T) {
	for m := Euclidean; m <= Hamming; m++ {
		if back, err := ParseMetric(m.String()); err != nil || back != m {
			t.Errorf("%v was parsed as %v, %v", m, back, err)
		}
		text, err := json.Marshal(m)
		var back Metric
		if err != nil || json.Unmarshal(text, &back) != nil || back != m {
			t.Errorf("%v went through JSON as %s, %v", m, text, back)
		}
	}
	for name, want := range map[string]Metric{"L2": Euclidean, "ip": InnerProduct, "dot": InnerProduct, "l1": Manhattan, "COSINE": Cosine} {
		if got, err := ParseMetric(name); err != nil || got != want {
			t.Errorf("%s was parsed as %v, %v", name, got, err)
		}
	}
	for _, name := range []string{"", "angular", "Metric(0)"} {
		if got, err := ParseMetric(name); err == nil {
			t.Errorf("%q was parsed as %v", name, got)
		}
	}
	if _, err := json.Marshal(Metric(0)); err == nil {
		t.Error("metric 0 was marshalled")
	}
	if s := Metric(9).String(); s != "Metric(9)" {
		t.Errorf("metric 9 is %q", s)
	}
}

func TestVectorTypeNames(t *testing.T) {
	for typ := F32; typ <= Bits; typ++ {
		text, err := json.Marshal(typ)
		var back VectorType
		if err != nil || json.Unmarshal(text, &back) != nil || back != typ {
			t.Errorf("%v went through JSON as %s, %v", typ, text, back)
		}
	}
	if got, err := ParseVectorType("f64"); err == nil {
		t.Errorf("f64 was parsed as %v", got)
	}
	if _, err := json.Marshal(VectorType(0)); err == nil {
		t.Error("type 0 was marshalled")
	}
}
