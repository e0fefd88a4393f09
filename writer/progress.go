package writer

import "time"

// Progress is how far a build has come.
type Progress struct {
	Phase       string        // "encode", "repair" and "link", in this order, and "publish" now and then
	Done, Total int           // slots of the phase; 0 for what is short: encode, and publish in place
	Rate        float64       // slots per second, lately; 0 while unknown
	Left        time.Duration // until the phase ends, at that rate; 0 while unknown
	Elapsed     time.Duration // since the build began
}

func (b *build) progress(phase string, done, total int) {
	if b.o.Progress == nil {
		return
	}
	now := time.Now()
	p := Progress{Phase: phase, Done: done, Total: total, Elapsed: now.Sub(b.started)}
	if total > 0 {
		if p.Rate = b.pace.note(phase, now, done); p.Rate > 0 {
			p.Left = time.Duration(float64(total-done) / p.Rate * float64(time.Second))
		}
	}
	b.o.Progress(p)
}

// pace tells how fast a phase has been lately. A slot costs more as the graph grows,
// so the rate since the start would promise too much.
type pace struct {
	phase string
	marks []mark // at least paceEvery apart, paceMarks at most
}

type mark struct {
	at   time.Time
	done int
}

const (
	paceEvery = time.Second
	paceMarks = 20
)

// note takes down what is done of the phase and returns the rate per second, 0 while
// it is unknown.
func (p *pace) note(phase string, now time.Time, done int) float64 {
	if phase != p.phase || len(p.marks) == 0 {
		p.phase, p.marks = phase, append(p.marks[:0], mark{now, done})
		return 0
	}
	first := p.marks[0]
	if now.Sub(p.marks[len(p.marks)-1].at) >= paceEvery {
		if p.marks = append(p.marks, mark{now, done}); len(p.marks) > paceMarks {
			p.marks = p.marks[1:]
		}
	}
	if seconds := now.Sub(first.at).Seconds(); seconds > 0 {
		return float64(done-first.done) / seconds
	}
	return 0
}
