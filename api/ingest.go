package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"

	"plinth"
	"plinth/pipelines"
	"plinth/sensors"
	"plinth/sensors/codec"
)

// Limits of one request, of one account's requests, and of all that are read at once.
const (
	MaxPack       = 2 << 20 // bytes of any body but NDJSON
	maxRefusals   = 1000    // listed; the rest is counted, and all are in dead letters
	batchBytes    = 8 << 20 // of lines that wait for their insert
	ingestPerMin  = 1200
	ingestBurst   = 300
	ingestAtOnce  = 16
	ingestReading = 30 * time.Second // for the next batch of the body to come
)

// Ingest is POST /v1/ingest. A device sends its own readings; an operator's or gateway's token sends those of many, and
// each row names its device. The answer comes when ClickHouse has the rows.
type Ingest struct {
	Direct *pipelines.Direct
	Lookup func(context.Context) sensors.Lookup // of the devices of now
	Keys   Keys
	Now    func() time.Time
}

// NewIngestRoute serves i.
func NewIngestRoute(i Ingest) Route {
	s := &ingest{Ingest: i, slots: make(chan struct{}, ingestAtOnce),
		limit: newLimiter(i.Now, ingestPerMin, ingestBurst, "too many requests; send more readings in each")}
	return Route{Method: http.MethodPost, Pattern: "/v1/ingest", Roles: []plinth.Role{device, operator}, MaxBody: MaxImport,
		Handler: http.HandlerFunc(s.serve)}
}

type ingest struct {
	Ingest
	limit *limiter
	slots chan struct{}
}

// ingested is the answer, and with Status and Body what is kept for a repeated key.
type ingested struct {
	Code     string              `json:"code,omitempty"` // when nothing was stored
	Message  string              `json:"message,omitempty"`
	Stored   int                 `json:"stored"`
	Refused  int                 `json:"refused"`
	Refusals []pipelines.Refusal `json:"refusals"` // the first of them
}

// keptAnswer is what a key remembers.
type keptAnswer struct {
	Body   string   `json:"body"` // SHA-256 of the request's
	Answer ingested `json:"answer"`
}

func (s *ingest) serve(w http.ResponseWriter, r *http.Request) {
	answer, replayed, err := s.admit(w, r)
	if err != nil {
		WriteError(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if replayed {
		w.Header().Set("Idempotency-Replayed", "true")
	}
	if answer.Code != "" {
		w.WriteHeader(http.StatusBadRequest)
	}
	_ = json.NewEncoder(w).Encode(answer) // the caller may be gone; there is nobody to tell
}

// admit checks what can be known before the body is read.
func (s *ingest) admit(w http.ResponseWriter, r *http.Request) (answer ingested, replayed bool, err error) {
	who := plinth.PrincipalFrom(r.Context())
	if err := s.limit.take(string(who.Account)); err != nil {
		return answer, false, err
	}
	if e := r.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return answer, false, plinth.Invalid("Content-Encoding", "bodies are taken as they are, not as %.32q", e)
	}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	default:
		return answer, false, plinth.Errorf(plinth.ErrExhausted, "%d requests are being read; try again", ingestAtOnce)
	}
	body := &hashed{in: r.Body, sum: sha256.New()}
	read, err := s.reader(w, r, body)
	if err != nil {
		return answer, false, err
	}
	key := r.Header.Get("Idempotency-Key")
	if key == "" {
		answer, err = read(who.Device)
		return answer, false, err
	}
	return s.once(r, key, who, body, read)
}

// once runs read unless the key has an answer. What a body is, is only known when it was read: a repeated one is read and
// compared, and what it says is not stored again.
func (s *ingest) once(r *http.Request, key string, who plinth.Principal, body *hashed, read reading) (ingested, bool, error) {
	var none ingested
	if s.Keys == nil {
		return none, false, plinth.Invalid("Idempotency-Key", "this server keeps no idempotency keys")
	}
	if err := checkKey(key); err != nil {
		return none, false, err
	}
	method := "POST /v1/ingest " + r.Header.Get("Content-Type")
	raw, fresh, err := s.Keys.Claim(r.Context(), who.Account, key, method, sha256.Sum256(nil))
	if err != nil {
		return none, false, err
	}
	ctx := context.WithoutCancel(r.Context()) // the caller may be gone; the key must be settled all the same
	if !fresh {
		return replayed(raw, body)
	}
	answer, err := read(who.Device)
	if err != nil { // identity is in the rows: to send all again is harmless
		return none, false, errors.Join(err, s.Keys.Release(ctx, who.Account, key))
	}
	sum, err := body.rest()
	if err != nil {
		return none, false, errors.Join(err, s.Keys.Release(ctx, who.Account, key))
	}
	kept, err := json.Marshal(keptAnswer{Body: sum, Answer: answer})
	if err != nil {
		return none, false, fmt.Errorf("keep answer: %w", err)
	}
	return answer, false, s.Keys.Keep(ctx, who.Account, key, kept)
}

func replayed(raw []byte, body *hashed) (ingested, bool, error) {
	var kept keptAnswer
	if err := json.Unmarshal(raw, &kept); err != nil {
		return ingested{}, false, fmt.Errorf("unpack kept answer: %w", err)
	}
	sum, err := body.rest()
	if err != nil {
		return ingested{}, false, err
	}
	if sum != kept.Body {
		return ingested{}, false, plinth.Errorf(plinth.ErrConflict, "this Idempotency-Key was used for another body")
	}
	return kept.Answer, true, nil
}

// reading reads the body of a device, or of many when it is empty, and stores what it says.
type reading func(sender plinth.DeviceID) (ingested, error)

// reader chooses by the content type.
func (s *ingest) reader(w http.ResponseWriter, r *http.Request, body *hashed) (reading, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		kind = ""
	}
	control := http.NewResponseController(w)
	patience := func() { _ = control.SetReadDeadline(time.Now().Add(ingestReading)) } // not every connection has one
	patience()
	if kind == "application/x-ndjson" {
		return func(sender plinth.DeviceID) (ingested, error) { return s.lines(r.Context(), sender, body, patience) }, nil
	}
	name, ok := map[string]string{"application/json": codec.JSON, "application/senml+json": codec.SenML,
		"application/senml+cbor": codec.SenML, "application/cbor": codec.CBOR, "text/plain": codec.Plain}[kind]
	if !ok {
		return nil, plinth.Invalid("Content-Type", "it is application/json, application/x-ndjson, application/senml+json, "+
			"application/senml+cbor, application/cbor or text/plain")
	}
	if r.ContentLength > MaxPack {
		w.Header().Set("Connection", "close") // do not read the rest
		return nil, tooLargePack()
	}
	return func(sender plinth.DeviceID) (ingested, error) { return s.pack(r.Context(), sender, name, body) }, nil
}

func tooLargePack() error {
	return &plinth.Error{Kind: errTooLarge, Text: fmt.Sprintf("the body is larger than %d bytes; send less at once, or NDJSON", MaxPack)}
}

// hashed knows the SHA-256 of what was read of it.
type hashed struct {
	in  io.Reader
	sum interface {
		io.Writer
		Sum([]byte) []byte
	}
}

// Read implements io.Reader.
func (h *hashed) Read(p []byte) (int, error) {
	n, err := h.in.Read(p)
	_, _ = h.sum.Write(p[:n]) // a hash takes all
	return n, err
}

// rest reads to the end and returns the hash of all.
func (h *hashed) rest() (string, error) {
	if _, err := io.Copy(io.Discard, h); err != nil {
		return "", bodyError(err)
	}
	return hex.EncodeToString(h.sum.Sum(nil)), nil
}

// bodyError is the error of a body that could not be read: too large, too slow, or broken off.
func bodyError(err error) error {
	if errors.Is(err, errTooLarge) {
		return err
	}
	return plinth.Errorf(plinth.ErrInvalid, "the body could not be read to its end").Because(err)
}
