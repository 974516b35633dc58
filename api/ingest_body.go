package api

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"plinth"
	"plinth/pipelines"
	"plinth/sensors"
	"plinth/sensors/codec"
)

// pack stores a body that is one payload.
func (s *ingest) pack(ctx context.Context, sender plinth.DeviceID, name string, body io.Reader) (ingested, error) {
	payload, err := io.ReadAll(io.LimitReader(body, MaxPack+1))
	switch {
	case err != nil:
		return ingested{}, bodyError(err)
	case len(payload) > MaxPack:
		return ingested{}, tooLargePack()
	}
	b := &ingestBatch{ingest: s, sender: sender}
	vs, bad := codec.Decode(name, payload, s.Now(), nil)
	if bad != nil {
		b.rows = append(b.rows, pipelines.Row{Line: 1, Raw: string(payload[:min(len(payload), pipelines.MaxDeadPayload)]), Broken: bad})
	}
	for i, v := range vs {
		b.rows = append(b.rows, pipelines.Row{Line: i + 1, Value: v})
	}
	return b.end(ctx)
}

// lines stores an NDJSON body batch by batch, each line a message. However long the body is, one batch is in memory.
func (s *ingest) lines(ctx context.Context, sender plinth.DeviceID, body io.Reader, patience func()) (ingested, error) {
	in := bufio.NewReaderSize(body, sensors.MaxPayload+2) // a line with its end
	b := &ingestBatch{ingest: s, sender: sender}
	for n := 1; ; n++ {
		line, long, err := nextLine(in)
		if err != nil && !errors.Is(err, io.EOF) {
			return ingested{}, bodyError(err)
		}
		b.line(n, line, long)
		if errors.Is(err, io.EOF) {
			return b.end(ctx)
		}
		if len(b.rows) >= pipelines.MaxRows || b.bytes >= batchBytes {
			if err := b.flush(ctx); err != nil {
				return ingested{}, err
			}
			patience()
		}
	}
}

// nextLine returns a line, which is only good until the next call; of one that is too long, its beginning.
func nextLine(in *bufio.Reader) (line []byte, long bool, err error) {
	line, err = in.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return bytes.TrimSpace(line), false, err
	}
	line = bytes.Clone(line[:pipelines.MaxDeadPayload])
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = in.ReadSlice('\n')
	}
	return line, true, err
}

// ingestBatch is what waits for its insert, and what has been answered so far.
type ingestBatch struct {
	*ingest
	sender plinth.DeviceID
	rows   []pipelines.Row
	bytes  int
	answer ingested
	values []codec.Value
}

// line reads one line as a message.
func (b *ingestBatch) line(n int, line []byte, long bool) {
	if len(line) == 0 {
		return
	}
	b.bytes += len(line)
	raw := string(line[:min(len(line), pipelines.MaxDeadPayload)])
	bad := &codec.Broken{Field: "payload", Reason: fmt.Sprintf("a line has at most %d bytes", sensors.MaxPayload)}
	if !long {
		b.values, bad = codec.Decode(codec.JSON, line, b.Now(), b.values[:0])
	}
	if bad != nil {
		b.rows = append(b.rows, pipelines.Row{Line: n, Raw: raw, Broken: bad})
		return
	}
	for _, v := range b.values {
		b.rows = append(b.rows, pipelines.Row{Line: n, Raw: raw, Value: v})
	}
}

func (b *ingestBatch) flush(ctx context.Context) error {
	stored, refused, err := b.Direct.Take(ctx, b.Lookup(ctx), b.sender, b.rows)
	if err != nil {
		return err
	}
	b.answer.Stored += stored
	b.answer.Refused += len(refused)
	room := maxRefusals - len(b.answer.Refusals)
	b.answer.Refusals = append(b.answer.Refusals, refused[:min(room, len(refused))]...)
	clear(b.rows)
	b.rows, b.bytes = b.rows[:0], 0
	return nil
}

// end stores the rest and returns the answer. A request of which nothing can be stored is invalid as a whole.
func (b *ingestBatch) end(ctx context.Context) (ingested, error) {
	if len(b.rows) > 0 {
		if err := b.flush(ctx); err != nil {
			return ingested{}, err
		}
	}
	switch a := &b.answer; {
	case a.Refused == 0 && a.Stored == 0:
		return ingested{}, plinth.Invalid("body", "there is nothing in it")
	case a.Stored == 0:
		a.Code, a.Message = "invalid", "nothing could be stored: "+a.Refusals[0].Field+": "+a.Refusals[0].Reason
	case a.Refusals == nil:
		a.Refusals = []pipelines.Refusal{}
	}
	return b.answer, nil
}
