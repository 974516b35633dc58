package drill

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"plinth/ledger"
	"plinth/ledger/audit"
)

// someRecord picks a record and alters it.
func someRecord(x *export, rng *rand.Rand, alter func(*audit.Record) bool) ([]string, bool) {
	log := x.someLog(audit.RecordsFile, rng)
	if log == nil {
		return nil, false
	}
	frames := slices.Clone(x.frames(path(log, audit.RecordsFile)))
	i := rng.IntN(len(frames))
	r, err := audit.ParseRecord(frames[i])
	if err != nil || !alter(&r) {
		return nil, false
	}
	if frames[i], err = r.Encode(); err != nil {
		return nil, false
	}
	x.putFrames(path(log, audit.RecordsFile), frames)
	return []string{object(log, fmt.Sprintf("record %d", i))}, true
}

func payload(x *export, rng *rand.Rand) ([]string, bool) {
	return someRecord(x, rng, func(r *audit.Record) bool { r.Payload = []byte(`{"altered":true}`); return true })
}

func salt(x *export, rng *rand.Rand) ([]string, bool) {
	return someRecord(x, rng, func(r *audit.Record) bool {
		if len(r.Salt) == 0 {
			return false
		}
		r.Salt = flipped(r.Salt, rng.IntN(len(r.Salt)), rng)
		return true
	})
}

// erased says of a record that it was erased, which the chain does not know.
func erased(x *export, rng *rand.Rand) ([]string, bool) {
	where, ok := someRecord(x, rng, func(r *audit.Record) bool {
		was := r.Holds
		r.Holds, r.Payload, r.Salt = audit.HoldsErased, nil, nil
		return was == audit.HoldsAll
	})
	if ok { // of a segment the rows are still there, and say so first
		where = append(where, strings.Replace(where[0], "record", "rows of record", 1))
	}
	return where, ok
}

// reading alters the value of one stored reading.
func reading(x *export, rng *rand.Rand) ([]string, bool) {
	for i := range x.manifest.Logs {
		log := &x.manifest.Logs[i]
		frames := slices.Clone(x.frames(path(log, audit.RowsFile)))
		for _, at := range rng.Perm(len(frames)) {
			r, err := audit.ParseRows(frames[at])
			if err != nil || len(r.Rows) == 0 {
				continue
			}
			n := rng.IntN(len(r.Rows))
			r.Rows[n] = flipped(r.Rows[n], len(r.Rows[n])-1-rng.IntN(8), rng)
			if frames[at], err = r.Encode(); err != nil {
				return nil, false
			}
			x.putFrames(path(log, audit.RowsFile), frames)
			return []string{object(log, fmt.Sprintf("rows of record %d", at))}, true
		}
	}
	return nil, false
}

func recordRemoved(x *export, rng *rand.Rand) ([]string, bool) {
	log := x.someLog(audit.RecordsFile, rng)
	if log == nil {
		return nil, false
	}
	frames := slices.Clone(x.frames(path(log, audit.RecordsFile)))
	i := rng.IntN(len(frames))
	x.putFrames(path(log, audit.RecordsFile), slices.Delete(frames, i, i+1))
	return []string{object(log, fmt.Sprintf("record %d", i))}, true
}

// alteredEntry returns an entry that says something else in a valid form.
func alteredEntry(raw []byte, rng *rand.Rand) []byte {
	e, err := ledger.ParseEntry(raw)
	if err != nil {
		return nil
	}
	switch rng.IntN(4) {
	case 0:
		e.Org = "somebody"
	case 1:
		e.To = e.To.Add(1e9)
	case 2:
		e.Commitment[rng.IntN(32)] ^= 1
	default:
		e.Count++
	}
	b, err := e.Encode()
	if err != nil {
		return nil
	}
	return b
}

// entryAndTree alters an entry and computes the leaf and the whole tree anew.
func entryAndTree(x *export, rng *rand.Rand) ([]string, bool) {
	log := x.someLog(audit.EntriesFile, rng)
	if log == nil {
		return nil, false
	}
	entries := slices.Clone(x.entries(log))
	i := rng.IntN(len(entries))
	if entries[i] = alteredEntry(entries[i], rng); entries[i] == nil {
		return nil, false
	}
	x.putTree(log, entries)
	return []string{object(log, fmt.Sprintf("entry %d", i))}, true
}

func entriesSwapped(x *export, rng *rand.Rand) ([]string, bool) {
	log := x.someLog(audit.EntriesFile, rng)
	if log == nil || log.Size < 2 {
		return nil, false
	}
	entries := slices.Clone(x.entries(log))
	i := rng.IntN(len(entries) - 1)
	j := i + 1 + rng.IntN(len(entries)-1-i)
	entries[i], entries[j] = entries[j], entries[i]
	x.putTree(log, entries)
	return []string{object(log, fmt.Sprintf("entry %d", i))}, true
}

// recordAndEntry is what who rules the whole house would do: another payload, its commitment, its entry, its tree.
func recordAndEntry(x *export, rng *rand.Rand) ([]string, bool) {
	log := x.someLog(audit.RecordsFile, rng)
	if log == nil {
		return nil, false
	}
	entries, frames := slices.Clone(x.entries(log)), slices.Clone(x.frames(path(log, audit.RecordsFile)))
	i := rng.IntN(len(entries))
	e, entryErr := ledger.ParseEntry(entries[i])
	r, recordErr := audit.ParseRecord(frames[i])
	if entryErr != nil || recordErr != nil || r.Holds != audit.HoldsAll {
		return nil, false
	}
	r.Payload = []byte(`{"approved":true}`)
	e.Commitment = ledger.Commit(r.Salt, r.Payload)
	if entries[i], entryErr = e.Encode(); entryErr != nil {
		return nil, false
	}
	frames[i], recordErr = r.Encode()
	x.putFrames(path(log, audit.RecordsFile), frames)
	x.putTree(log, entries)
	return []string{object(log, fmt.Sprintf("entry %d", i))}, recordErr == nil
}

// logOlder restores an older backup of a log: everything in it agrees, up to the checkpoint of that time.
func logOlder(x *export, rng *rand.Rand) ([]string, bool) {
	log := x.someLog(audit.CheckpointsFile, rng)
	if log == nil {
		return nil, false
	}
	all := x.attested(log)
	if len(all) < 2 {
		return nil, false
	}
	x.restore(log, rng.IntN(len(all)-1))
	return []string{object(log, "checkpoint")}, true
}

// restore brings a log back to its n-th attested checkpoint.
func (x *export) restore(log *audit.LogManifest, n int) {
	c := x.attested(log)[n]
	x.putTree(log, slices.Clone(x.entries(log)[:c.size]))
	for level := 1; c.size>>(8*level) == 0 && x.files[path(log, audit.HashesFile(level))] != nil; level++ {
		x.put(path(log, audit.HashesFile(level)), []byte{})
	}
	for _, name := range []string{audit.RecordsFile, audit.RowsFile} {
		if frames := x.frames(path(log, name)); len(frames) > 0 {
			x.putFrames(path(log, name), frames[:c.size])
		}
	}
	x.putFrames(path(log, audit.CheckpointsFile), x.frames(path(log, audit.CheckpointsFile))[:n+1])
	log.Size, log.Root, log.Checkpoints = c.size, c.root, int64(n+1)
	x.put(path(log, audit.CheckpointFile), c.note)
}
