package clickhouse

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"plinth/pipelines"
	"plinth/sensors"
)

// shownExamples is how many things of one kind are shown.
const shownExamples = 20

// Compare implements pipelines.Shadow.
func (s Shadow) Compare(ctx context.Context, replay string) ([]pipelines.Difference, error) {
	rows, flags, err := s.compareRows(ctx, replay)
	if err != nil {
		return nil, err
	}
	letters, err := s.compareLetters(ctx, replay)
	if err != nil {
		return nil, err
	}
	if gone := rows.By[pipelines.RowGone]; gone > 0 {
		letters.By["new"] = gone
	}
	hours, err := s.compareHours(ctx, replay)
	return []pipelines.Difference{rows, flags, letters, hours}, err
}

func (s Shadow) compareRows(ctx context.Context, replay string) (rows, flags pipelines.Difference, err error) {
	rows = pipelines.Difference{Kind: "rows", By: map[string]int64{}}
	flags = pipelines.Difference{Kind: "flags", By: map[string]int64{}}
	found, err := s.db.Query(ctx, `
		SELECT came, was, if(came = 'flags', flags, 0) AS f, count() FROM plinth.shadow_reading FINAL WHERE replay = ? GROUP BY came, was, f`, replay)
	if err != nil {
		return rows, flags, fmt.Errorf("compare rows: %w", translate(err))
	}
	defer found.Close()
	for found.Next() {
		var came string
		var was, now uint16
		var n uint64
		if err := found.Scan(&came, &was, &now, &n); err != nil {
			return rows, flags, fmt.Errorf("compare rows: %w", err)
		}
		rows.Compared += int64(n)
		switch came {
		case pipelines.RowSame:
		case pipelines.RowFlags:
			flags.Different += int64(n)
			countFlags(flags.By, sensors.Flags(was), sensors.Flags(now), int64(n))
		default:
			rows.Different += int64(n)
			rows.By[came] += int64(n)
		}
	}
	if err := found.Err(); err != nil {
		return rows, flags, fmt.Errorf("compare rows: %w", translate(err))
	}
	flags.Compared = rows.Compared - rows.Different
	return rows, flags, s.examples(ctx, replay, &rows, &flags)
}

func countFlags(by map[string]int64, was, now sensors.Flags, n int64) {
	for _, name := range (now &^ was).Names() {
		by["+"+name] += n
	}
	for _, name := range (was &^ now).Names() {
		by["-"+name] += n
	}
}

// examples fills in the first rows of each kind.
func (s Shadow) examples(ctx context.Context, replay string, rows, flags *pipelines.Difference) error {
	for _, came := range []string{pipelines.RowFlags, pipelines.RowGone, pipelines.RowAdded, pipelines.RowValue} {
		found, err := s.shadows(ctx, shadowShape+` WHERE replay = ? AND came = ?`+inKeyOrder+` LIMIT ?`, replay, came, shownExamples)
		if err != nil {
			return err
		}
		for i := range found {
			if came == pipelines.RowFlags {
				flags.Examples = append(flags.Examples, example(&found[i]))
			} else {
				rows.Examples = append(rows.Examples, example(&found[i]))
			}
		}
	}
	return nil
}

func example(r *pipelines.ShadowRow) pipelines.Example {
	e := pipelines.Example{Device: r.Device, Metric: r.Metric, At: r.At, Seq: r.Seq}
	value := strconv.FormatFloat(r.Value, 'g', -1, 64)
	said := func(f sensors.Flags) string { return strings.TrimSpace(value + " " + strings.Join(f.Names(), ", ")) }
	switch r.Came {
	case pipelines.RowGone:
		e.Stored, e.Replayed = said(r.Was), r.Reason
	case pipelines.RowAdded:
		e.Replayed = value
	case pipelines.RowValue:
		e.Stored, e.Replayed = "another value", value
	default:
		e.Stored, e.Replayed = said(r.Was), said(r.Flags)
	}
	return e
}

func (s Shadow) compareLetters(ctx context.Context, replay string) (pipelines.Difference, error) {
	d := pipelines.Difference{Kind: "letters", By: map[string]int64{}}
	var all, mended uint64
	if err := s.db.QueryRow(ctx, `SELECT count(), countIf(came = 'mended') FROM plinth.shadow_letter FINAL WHERE replay = ?`, replay).
		Scan(&all, &mended); err != nil {
		return d, fmt.Errorf("compare letters: %w", translate(err))
	}
	d.Compared, d.Different = int64(all), int64(mended)
	if mended > 0 {
		d.By[pipelines.LetterMended] = int64(mended)
	}
	if all > mended {
		d.By[pipelines.LetterAgain] = int64(all - mended)
	}
	rows, err := s.db.Query(ctx, `SELECT id, came, rows, reason FROM plinth.shadow_letter FINAL WHERE replay = ? ORDER BY came DESC, id LIMIT ?`,
		replay, shownExamples)
	if err != nil {
		return d, fmt.Errorf("compare letters: %w", translate(err))
	}
	defer rows.Close()
	for rows.Next() {
		var id, came, reason string
		var n uint64
		if err := rows.Scan(&id, &came, &n, &reason); err != nil {
			return d, fmt.Errorf("compare letters: %w", err)
		}
		if came == pipelines.LetterMended {
			reason = "+" + strconv.FormatUint(n, 10)
		}
		d.Examples = append(d.Examples, pipelines.Example{Stored: id, Replayed: reason})
	}
	return d, translate(rows.Err())
}

// compareHours counts the hours whose sums would change: by rows that come in, or by how many of their rows are flagged.
func (s Shadow) compareHours(ctx context.Context, replay string) (pipelines.Difference, error) {
	d := pipelines.Difference{Kind: "hours", By: map[string]int64{}}
	var all, rows, flagged uint64
	err := s.db.QueryRow(ctx, `
		SELECT count(), countIf(n > 0), countIf(n = 0 AND f != 0) FROM (
			SELECT device, metric, `+hourMillis+` AS h, countIf(came IN ('added', 'value')) AS n,
				sumIf(toInt64(flags != 0) - toInt64(was != 0), came IN ('flags', 'gone')) AS f
			FROM plinth.shadow_reading FINAL WHERE replay = ? GROUP BY device, metric, h)`, replay).Scan(&all, &rows, &flagged)
	if err != nil {
		return d, fmt.Errorf("compare hours: %w", translate(err))
	}
	d.Compared, d.Different = int64(all), int64(rows+flagged)
	for what, n := range map[string]uint64{"rows": rows, "flagged": flagged} {
		if n > 0 {
			d.By[what] = int64(n)
		}
	}
	return d, nil
}
