package dossier

import (
	"maps"
	"slices"

	"plinth"
)

// By is what devices are grouped by.
type By string

// The ways to group.
const (
	ByOwner  By = "owner"
	ByKind   By = "kind"
	ByStreet By = "street"
)

// Figures are the figures of a group of devices.
//
//	archive rate 建档率 = Complete / Expected: of all devices that ought to be on file, those registered with everything
//	    that their kind must have on file. Ought to be on file is what is registered and not retired, and what was heard
//	    in the period without being registered. How many devices there are that neither spoke nor were registered,
//	    nobody knows.
//	accuracy 准确率 = Accurate / Registered: of the registered devices, those of which no check finds anything wrong.
//	online rate 在线率 = mean over the devices in use of the share of the period, since the device was registered, in which
//	    it reported as often as its interval says. Readings count at their own time, so that those sent later count too.
type Figures struct {
	Key                                                    string
	Expected, Registered, Unregistered, Complete, Accurate int
	InUse                                                  int
	Online                                                 float64 // the sum over InUse
	Rules                                                  map[*Rule]int
}

// Rate is a part of a whole, or false when there is no whole.
func Rate(part float64, whole int) (float64, bool) {
	if whole == 0 {
		return 0, false
	}
	return part / float64(whole), true
}

// Figures adds up the devices that pass the filter, in all and by group, groups in order of their keys.
func (s *Survey) Figures(by By, f Filter) (total Figures, groups []Figures, err error) {
	key, ok := map[By]func(*Item) string{ByOwner: func(i *Item) string { return i.owner }, ByKind: func(i *Item) string { return i.Kind },
		ByStreet: func(i *Item) string { return i.street }}[by]
	if !ok {
		return total, nil, plinth.Invalid("by", "is one of %s, %s, %s", ByOwner, ByKind, ByStreet)
	}
	total.Rules = map[*Rule]int{}
	of := map[string]*Figures{}
	for n := range s.Items {
		i := &s.Items[n]
		if !f.Match(i) {
			continue
		}
		g := of[key(i)]
		if g == nil {
			g = &Figures{Key: key(i), Rules: map[*Rule]int{}}
			of[g.Key] = g
		}
		total.add(i)
		g.add(i)
	}
	for _, k := range slices.Sorted(maps.Keys(of)) {
		groups = append(groups, *of[k])
	}
	return total, groups, nil
}

func (g *Figures) add(i *Item) {
	g.Expected++
	for _, f := range i.Faults {
		g.Rules[f.Rule]++
	}
	if i.Device == nil {
		g.Unregistered++
		return
	}
	g.Registered++
	if !i.breaks(Archive) {
		g.Complete++
	}
	if !i.breaks(Accuracy) {
		g.Accurate++
	}
	if i.InUse {
		g.InUse++
		g.Online += i.Online
	}
}
