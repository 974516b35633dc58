package api

import (
	"errors"
	"fmt"
	"io"
	"net/http"

	"plinth"
)

// limitBody refuses a request whose body is larger than limit: at once when it says so, else where it is exceeded.
func limitBody(limit int64, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b := &limitedBody{ReadCloser: http.MaxBytesReader(w, r.Body, limit), limit: limit}
		if r.ContentLength > limit {
			w.Header().Set("Connection", "close") // do not read the rest
			WriteError(w, r, &plinth.Error{Kind: errTooLarge, Text: b.sentence()})
			return
		}
		r.Body = b
		next.ServeHTTP(w, r)
	})
}

// limitedBody remembers that it was exceeded, for those who see nothing but an error's text.
type limitedBody struct {
	io.ReadCloser
	limit    int64
	exceeded bool
}

// Read implements io.Reader.
func (b *limitedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		b.exceeded = true
		err = &plinth.Error{Kind: errTooLarge, Text: b.sentence(), Cause: err}
	}
	return n, err
}

func (b *limitedBody) sentence() string {
	return fmt.Sprintf("the body is larger than %d bytes", b.limit)
}
