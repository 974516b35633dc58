package pipelines_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plinth/pipelines"
)

// reported is what other members say; err when it cannot be read.
type reported struct {
	counts map[string][]pipelines.Counts
	err    error
}

func (r *reported) Reported(context.Context) (map[string][]pipelines.Counts, error) {
	return r.counts, r.err
}

func TestACompanyCountsWhatAllMembersMove(t *testing.T) {
	var own pipelines.Meter
	others := &reported{}
	c := pipelines.NewCompany(&own, others)
	noon := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	says := func(rows, waiting int64) map[string][]pipelines.Counts {
		return map[string][]pipelines.Counts{"p1": {{Domain: "lift", Messages: rows, Rows: rows, Batches: rows, Last: time.Duration(rows),
			Waiting: waiting, Stored: noon.Add(time.Duration(rows))}}}
	}
	for _, step := range []struct {
		name          string
		ours          int
		others        map[string][]pipelines.Counts
		err           error
		rows, waiting int64
	}{
		{"alone", 5, nil, nil, 5, 1},
		{"another is seen for the first time", 0, says(100, 7), nil, 5, 8},
		{"both move", 2, says(110, 3), nil, 17, 4},
		{"the others cannot be read", 1, nil, errors.New("away"), 18, 4},
		{"what they moved meanwhile counts", 0, says(130, 2), nil, 38, 3},
		{"the other is gone", 0, nil, nil, 38, 1},
	} {
		own.Direct("lift", step.ours, 0)
		own.Hold(map[string]int64{"lift": 1})
		others.counts, others.err = step.others, step.err
		if err := c.Gather(t.Context()); !errors.Is(err, step.err) {
			t.Fatalf("%s: %v", step.name, err)
		}
		got := c.Of("lift")
		if d := cmp.Diff([]int64{step.rows, step.waiting}, []int64{got.Rows, got.Waiting}); d != "" {
			t.Errorf("%s: %s", step.name, d)
		}
	}
	if got := c.Of("lift"); got.Last != 130 || !got.Stored.Equal(noon.Add(130)) {
		t.Errorf("the newest insert took %d and was at %s, want the other's", got.Last, got.Stored)
	}
}
