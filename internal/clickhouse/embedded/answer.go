package embedded

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/ClickHouse/ch-go/compress"
)

// maxBlock is the most that goes into one compressed block.
const maxBlock = 1 << 20

// answer writes a statement's output. Until the first chunk nothing is sent, so that a failure gets a status of its own.
type answer struct {
	w       http.ResponseWriter
	req     *request
	blocks  *compress.Writer // nil when not compressed
	tag     string
	started bool
	flush   func()
}

func newAnswer(w http.ResponseWriter, req *request) *answer {
	a := &answer{w: w, req: req, tag: rand.Text()[:16], flush: func() {}}
	if req.compressed() {
		a.blocks = compress.NewWriter(0, req.method)
	}
	if f, ok := w.(http.Flusher); ok {
		a.flush = f.Flush
	}
	return a
}

func (a *answer) head() {
	h := a.w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("X-ClickHouse-Format", a.req.format)
	h.Set("X-ClickHouse-Timezone", "UTC")
	h.Set("X-ClickHouse-Exception-Tag", a.tag)
	if a.req.queryID != "" {
		h.Set("X-ClickHouse-Query-Id", a.req.queryID)
	}
}

// write sends a chunk of output.
func (a *answer) write(chunk []byte) error {
	if !a.started {
		a.head()
		a.started = true
	}
	for len(chunk) > 0 {
		n := min(len(chunk), maxBlock)
		if err := a.send(chunk[:n], a.blocks); err != nil {
			return err
		}
		chunk = chunk[n:]
	}
	a.flush()
	return nil
}

func (a *answer) send(p []byte, blocks *compress.Writer) error {
	if blocks != nil {
		if err := blocks.Compress(p); err != nil {
			return err
		}
		p = blocks.Data
	}
	_, err := a.w.Write(p)
	return err
}

// hurry gives a withdrawn statement's caller one more second: one that reads or sends slowly, or not at all, must not
// hold up the withdrawal.
func (a *answer) hurry() {
	soon := time.Now().Add(time.Second)
	c := http.NewResponseController(a.w)
	_ = c.SetWriteDeadline(soon) // a connection that takes no deadline is already gone
	_ = c.SetReadDeadline(soon)
}

// nothing ends an answer that has no output: the driver takes a length of exactly 0 for "no result set".
func (a *answer) nothing(written uint64) {
	if a.started {
		return
	}
	a.head()
	a.w.Header().Set("X-ClickHouse-Summary", fmt.Sprintf(`{"written_rows":"%d"}`, written))
	a.w.Header().Set("Content-Length", "0")
	a.w.WriteHeader(http.StatusOK)
}

// fail tells an error: by status while nothing is sent, else by a frame at the output's end. With compression the frame
// is a block that stores plain bytes, since the driver looks for it in the raw stream.
func (a *answer) fail(err error) {
	e := asException(err)
	if !a.started {
		writeException(a.w, e)
		return
	}
	frame := fmt.Sprintf("\r\n__exception__\r\n%s\r\n%s\n%d %s\r\n__exception__\r\n", a.tag, e.Text, len(e.Text)+1, a.tag)
	var plain *compress.Writer
	if a.blocks != nil {
		plain = compress.NewWriter(0, compress.None)
	}
	_ = a.send([]byte(frame), plain) // the caller is gone when this fails
}

func asException(err error) *Exception {
	var e *Exception
	if errors.As(err, &e) {
		return e
	}
	return exceptionf(1001, "STD_EXCEPTION", "%s", err)
}

// writeException answers with an exception alone.
func writeException(w http.ResponseWriter, e *Exception) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=UTF-8")
	h.Set("X-ClickHouse-Exception-Code", strconv.Itoa(e.Code))
	w.WriteHeader(statusOf(e.Code))
	_, _ = w.Write([]byte(e.Text + "\n")) // the caller is gone when this fails
}

// statusOf is the HTTP status of an engine's error code; most are the statement's fault or the engine's own.
func statusOf(code int) int {
	switch code {
	case 6, 26, 27, 33, 36, 38, 41, 43, 44, 47, 53, 62, 69, 70, 72, 73, 115, 117, 130, 131, 158, 306, 307, 396, 456, 457:
		return http.StatusBadRequest
	case 48:
		return http.StatusNotImplemented
	case 60, 81:
		return http.StatusNotFound
	case 164, 452, 497, 514, 516:
		return http.StatusForbidden
	case 159:
		return http.StatusRequestTimeout
	case 202, 210:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}
