package api

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"plinth"
	"plinth/ledger"
	"plinth/ledger/sequencer"
)

// EvidenceRoutes are the files of the evidence doors: receipts for who is signed in, and the logs in C2SP tlog-tiles
// form for everybody.
func EvidenceRoutes(e Evidence) []Route {
	return []Route{
		{Method: "GET", Pattern: "/v1/evidence/records/{record_id}/receipt", Handler: receiptFile{e.Sequencer}},
		{Method: "GET", Pattern: "/v1/evidence/codes/{code}", Public: true, Handler: newCodeFile(e)},
		{Method: "GET", Pattern: "/v1/evidence/batches/{origin}/{tile}", Public: true, Handler: batchFile{e.Sequencer}},
		{Method: "GET", Pattern: "/v1/evidence/certificates", Public: true, Handler: certificatesFile{e.Sequencer}},
		{Method: "GET", Pattern: "/tlog/{origin}/checkpoint", Public: true,
			Handler: logFile{e.Sequencer, checkpointFile, "text/plain; charset=utf-8", "no-cache"}},
		{Method: "GET", Pattern: "/tlog/{origin}/tile/{tile...}", Public: true,
			Handler: logFile{e.Sequencer, tileFile, "application/octet-stream", "public, max-age=31536000, immutable"}},
		{Method: "GET", Pattern: "/tlog/{origin}/sm3/checkpoint", Public: true,
			Handler: logFile{e.Sequencer, twinFile(twinCheckpointFile), "text/plain; charset=utf-8", "no-cache"}},
		{Method: "GET", Pattern: "/tlog/{origin}/sm3/tile/{tile...}", Public: true,
			Handler: logFile{e.Sequencer, twinFile(twinTileFile), "application/octet-stream", "public, max-age=31536000, immutable"}},
	}
}

// receiptFile answers a record's receipt, as text, with certificates by reference, or as COSE. An auditor may ask for
// the salt, the payload or some of its fields with it.
type receiptFile struct{ sequencer *sequencer.Sequencer }

// receiptKinds are content type and file name's end of each form.
var receiptKinds = map[sequencer.Form][2]string{
	sequencer.FormText:      {"text/plain; charset=utf-8", ".tlog-proof"},
	sequencer.FormReference: {"text/plain; charset=utf-8", ".ref.tlog-proof"},
	sequencer.FormCOSE:      {"application/cose", ".cose"},
}

// ServeHTTP implements http.Handler.
func (h receiptFile) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id, err := recordID(r.PathValue("record_id"))
	if err != nil {
		WriteError(w, r, err)
		return
	}
	want, err := wantedOf(r)
	if err != nil {
		WriteError(w, r, err)
		return
	}
	file, err := h.sequencer.ReceiptAs(r.Context(), id, want)
	if err != nil {
		WriteError(w, r, err)
		return
	}
	kind := receiptKinds[want.Form]
	w.Header().Set("Content-Type", kind[0])
	w.Header().Set("Content-Disposition", `attachment; filename="`+id.String()+kind[1]+`"`)
	w.Header().Set("Cache-Control", "no-store")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(file))
}

func wantedOf(r *http.Request) (sequencer.Wanted, error) {
	q := r.URL.Query()
	w := sequencer.Wanted{Form: sequencer.Form(q.Get("form")), Fields: q["field"]}
	if _, ok := receiptKinds[w.Form]; !ok {
		return w, plinth.Invalid("form", "must be cose or reference")
	}
	how := q.Get("disclose")
	if how != "" || len(w.Fields) > 0 {
		if err := plinth.PrincipalFrom(r.Context()).Need(plinth.RoleAuditor); err != nil {
			return w, err
		}
	}
	switch how {
	case "":
	case "salt":
		w.Disclosure = sequencer.DiscloseSalt
	case "payload":
		w.Disclosure = sequencer.DisclosePayload
	default:
		return w, plinth.Invalid("disclose", "must be salt or payload")
	}
	if how != "" && len(w.Fields) > 0 {
		return w, plinth.Invalid("field", "open fields or disclose all, not both")
	}
	return w, nil
}

// batchFile answers the receipt of a tile's records, which are as public as the tile.
type batchFile struct{ sequencer *sequencer.Sequencer }

// ServeHTTP implements http.Handler.
func (h batchFile) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	tile, err := strconv.ParseInt(r.PathValue("tile"), 10, 64)
	if err != nil || tile < 0 {
		WriteError(w, r, plinth.Invalid("tile", "must be the number of a tile"))
		return
	}
	file, err := h.sequencer.BatchReceipt(r.Context(), ledger.Origin(r.PathValue("origin")), tile)
	if err != nil {
		WriteError(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/cbor")
	w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s-%d.batch"`, r.PathValue("origin"), tile))
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("Access-Control-Allow-Origin", "*")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(file))
}

// certificatesFile answers the peers' certificates in PEM, which receipts by reference refer to. They need no trust:
// who checks a receipt chains them to roots of its own.
type certificatesFile struct{ sequencer *sequencer.Sequencer }

// ServeHTTP implements http.Handler.
func (h certificatesFile) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	all, err := h.sequencer.Certificates(r.Context())
	if err != nil {
		WriteError(w, r, err)
		return
	}
	var b bytes.Buffer
	for _, der := range all {
		_ = pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: der}) // a buffer takes it all
	}
	w.Header().Set("Content-Type", "application/x-pem-file")
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("Access-Control-Allow-Origin", "*")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b.Bytes()))
}

// logFile answers one file of a log.
type logFile struct {
	sequencer *sequencer.Sequencer
	read      func(*sequencer.Log, string) ([]byte, error)
	kind      string // content type
	keep      string // how long caches may keep it
}

// ServeHTTP implements http.Handler.
func (h logFile) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l, err := h.sequencer.Log(ledger.Origin(r.PathValue("origin")))
	if err != nil {
		WriteError(w, r, err)
		return
	}
	b, err := h.read(l, r.PathValue("tile"))
	if err != nil {
		WriteError(w, r, err)
		return
	}
	w.Header().Set("Content-Type", h.kind)
	w.Header().Set("Cache-Control", h.keep)
	w.Header().Set("Access-Control-Allow-Origin", "*")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b))
}

func checkpointFile(l *sequencer.Log, _ string) ([]byte, error) {
	_, signed := l.Checkpoint()
	if signed == nil {
		return nil, plinth.Errorf(plinth.ErrNotFound, "the log is empty and has no checkpoint yet")
	}
	return signed, nil
}

// tileFile reads a path as tlog-tiles has it: "0/x001/067", "1/000.p/17", "entries/000".
func tileFile(l *sequencer.Log, path string) ([]byte, error) { return tileOf(l, path, l.Tile) }

// twinFile answers for logs that have a twin.
func twinFile(read func(*sequencer.Log, string) ([]byte, error)) func(*sequencer.Log, string) ([]byte, error) {
	return func(l *sequencer.Log, path string) ([]byte, error) {
		if !l.HasTwin() {
			return nil, plinth.Errorf(plinth.ErrNotFound, "the log has no twin")
		}
		return read(l, path)
	}
}

func twinCheckpointFile(l *sequencer.Log, _ string) ([]byte, error) {
	_, signed := l.TwinCheckpoint()
	if signed == nil {
		return nil, plinth.Errorf(plinth.ErrNotFound, "the log is empty and has no checkpoint yet")
	}
	return signed, nil
}

// twinTileFile reads the twin's tiles. The entries are the log's own.
func twinTileFile(l *sequencer.Log, path string) ([]byte, error) { return tileOf(l, path, l.TwinTile) }

func tileOf(l *sequencer.Log, path string, tile func(level int, n int64, width int) ([]byte, error)) ([]byte, error) {
	inGo := "tile/8/" + path // x/mod writes the height into the path, and "data" for entries
	if rest, ok := strings.CutPrefix(path, "entries/"); ok {
		inGo = "tile/8/data/" + rest
	} else if strings.HasPrefix(path, "data/") {
		inGo = ""
	}
	t, err := tlog.ParseTilePath(inGo)
	if err != nil || t.H != 8 {
		return nil, plinth.Errorf(plinth.ErrNotFound, "this is not the path of a tile")
	}
	if t.L < 0 {
		return l.Bundle(t.N, t.W)
	}
	return tile(t.L, t.N, t.W)
}
