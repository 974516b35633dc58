package alarm_test

import (
	"fmt"
	"testing"
	"time"

	"plinth/sensors"
)

// TestAPartGoesFromOneMemberToTheOtherAnywhereInAStory hands the gate over between two engines before each message.
func TestAPartGoesFromOneMemberToTheOtherAnywhereInAStory(t *testing.T) {
	for at := range 20 {
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			g := newRig(t, newMemory())
			for minute := range 20 {
				if minute == at {
					g.handOver()
				}
				g.send(reading(minute, level(minute)))
			}
			g.want(shanghaiStory(storyOf20)...)
		})
	}
}

// handOver lets another engine take the part from the rig's, and makes it the rig's.
func (g *rig) handOver() {
	g.t.Helper()
	g.now = g.now.Add(time.Second)
	if err := g.Release(g.t.Context(), part); err != nil {
		g.t.Fatal(err)
	}
	g.begin()
}

func TestWhatWaitsWhenAPartIsReleasedIsDecidedByTheNext(t *testing.T) {
	g := newRig(t, newMemory())
	for minute := range 3 {
		g.send(reading(minute, level(minute)))
	}
	g.send(reading(4, level(4))) // waits for 3, whose row is stored by the next
	g.handOver()
	for minute := 3; minute < 20; minute++ {
		if minute != 4 {
			g.send(reading(minute, level(minute)))
		}
	}
	if len(g.did) != 3 {
		t.Errorf("done %q, want three steps of one alarm", g.did)
	}
}

func TestAMemberThatLostItsPartSavesAndTellsNothing(t *testing.T) {
	g := newRig(t, newMemory())
	g.send(reading(0, 1))
	old := g.Engine
	g.begin() // the lease had ended, another has taken the part
	g.send(reading(1, 1))
	if err := g.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := g.states[gate.ID]
	old.Decide(&gate, []sensors.Reading{reading(2, 4.5)})
	if err := old.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	if string(g.states[gate.ID].State) != string(want.State) {
		t.Error("the state of the new holder was overwritten")
	}
	if n := old.Counts().Watched; n != 0 {
		t.Errorf("%d devices watched without the part", n)
	}
}

func TestDevicesOfPartsElsewhereCostNothing(t *testing.T) {
	g := newRig(t, newMemory())
	other := g.engine()
	for minute := range 3 {
		other.Decide(&gate, []sensors.Reading{reading(minute, 9)})
	}
	if n := other.Counts().Watched; n != 0 {
		t.Errorf("%d devices watched", n)
	}
}

// TestRowsByOtherWaysAreDecidedOnByWhoHasThePart plays the story by HTTP, to the engine itself or to one that has not
// the part, killed after it answered or not.
func TestRowsByOtherWaysAreDecidedOnByWhoHasThePart(t *testing.T) {
	for _, elsewhere := range []bool{false, true} {
		for death := -1; death < 20; death++ {
			g := newRig(t, newMemory())
			for minute := range 20 {
				r := reading(minute, level(minute))
				g.now = r.At
				g.store(r)
				r.RX = g.now
				to := g.Engine
				if elsewhere {
					to = g.engine()
				}
				if err := to.Stored(t.Context(), []sensors.Reading{r}); err != nil {
					t.Fatal(err)
				}
				if minute == death {
					g.begin()
				}
				g.Step(t.Context(), 0)
				if minute%3 == 0 {
					if err := g.Save(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
			}
			g.want(shanghaiStory(storyOf20)...)
			if err := g.Save(t.Context()); err != nil || len(g.notes) != 0 {
				t.Fatalf("elsewhere %v, death at %d: %d notes left, %v", elsewhere, death, len(g.notes), err)
			}
			if t.Failed() {
				t.Fatalf("elsewhere %v, death at %d", elsewhere, death)
			}
		}
	}
}

func TestAMessageOnATopicOfAnotherPartIsNotedAfterItIsStored(t *testing.T) {
	g := newRig(t, newMemory())
	other := g.engine()
	for minute := range 20 {
		r := reading(minute, level(minute))
		g.now = r.At
		ds := other.Decide(&gate, []sensors.Reading{r})
		g.store(r)
		if err := other.Tell(t.Context(), ds); err != nil {
			t.Fatal(err)
		}
		g.Step(t.Context(), 0)
	}
	g.want(shanghaiStory(storyOf20)...)
}

func TestCorrectedRowsOfAnotherWayWithdrawWhatTheyRefute(t *testing.T) {
	g := newRig(t, newMemory())
	for minute := range 7 {
		g.send(reading(minute, level(minute)))
	}
	g.want("raised high 1 04:05")
	for i := range g.rows {
		if g.rows[i].Value > 3 {
			g.rows[i].Value = 2
		}
	}
	if err := g.Stored(t.Context(), g.rows[3:]); err != nil {
		t.Fatal(err)
	}
	g.now = g.now.Add(time.Minute)
	g.Step(t.Context(), 0)
	g.want("raised high 1 04:05", "withdrawn high 1 04:05")
	for minute := 8; minute < 12; minute++ { // it is high in truth now: an alarm of its own
		g.send(reading(minute, level(minute)))
	}
	if n := len(g.alarms); n != 2 {
		t.Errorf("%d alarms, %q", n, g.did)
	}
}

func TestOldRowsOfAFileCallNobodyOut(t *testing.T) {
	g := newRig(t, newMemory())
	g.now = noon.Add(30 * 24 * time.Hour)
	for minute := range 20 {
		r := reading(minute, level(minute))
		g.store(r)
		if err := g.Stored(t.Context(), []sensors.Reading{r}); err != nil {
			t.Fatal(err)
		}
	}
	g.Step(t.Context(), 0)
	g.want()
}

func TestMetricsOfOneMomentMayComeInSeveralMessages(t *testing.T) {
	g := newRig(t, newMemory())
	for minute := range 20 {
		r := reading(minute, level(minute))
		other := r
		other.Metric = "battery"
		g.send(other)
		g.send(r)
		g.send(other)
		if minute == 9 {
			g.handOver()
			g.send(r)
		}
	}
	g.want(shanghaiStory(storyOf20)...)
}
