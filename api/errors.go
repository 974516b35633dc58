package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"plinth"
)

// kinds is the one table of what an error becomes outside. The first row that matches counts.
var kinds = []struct {
	err  error
	name string
	code codes.Code
	http int
}{
	{errTooLarge, "too_large", codes.ResourceExhausted, http.StatusRequestEntityTooLarge},
	{plinth.ErrInvalid, "invalid", codes.InvalidArgument, http.StatusBadRequest},
	{plinth.ErrNotFound, "not_found", codes.NotFound, http.StatusNotFound},
	{plinth.ErrDenied, "denied", codes.PermissionDenied, http.StatusForbidden},
	{plinth.ErrUnknown, "unauthenticated", codes.Unauthenticated, http.StatusUnauthorized},
	{plinth.ErrConflict, "conflict", codes.Aborted, http.StatusConflict},
	{plinth.ErrExhausted, "exhausted", codes.ResourceExhausted, http.StatusTooManyRequests},
	{plinth.ErrUnavailable, "unavailable", codes.Unavailable, http.StatusServiceUnavailable},
	{context.Canceled, "canceled", codes.Canceled, 499},
	{context.DeadlineExceeded, "timeout", codes.DeadlineExceeded, http.StatusGatewayTimeout},
	{errUnimplemented, "unimplemented", codes.Unimplemented, http.StatusNotImplemented},
	{errInternal, "internal", codes.Internal, http.StatusInternalServerError},
}

var (
	errTooLarge      = errors.New("too large")
	errUnimplemented = errors.New("unimplemented")
	errInternal      = errors.New("internal")
)

// errorDomain marks our own details in a gRPC status.
const errorDomain = "plinth"

// problem is the JSON body of every error answered over HTTP.
type problem struct {
	Code      string `json:"code"`
	Message   string `json:"message"`
	Field     string `json:"field,omitempty"`
	RequestID string `json:"requestId,omitempty"`

	http int
}

// toStatus makes the gRPC status of any error. A sentence reaches the caller only through plinth.Error; anything else
// is "internal error", and known is false: whoever calls toStatus must log the cause. Handlers need not call it, the
// server does.
func toStatus(err error) (st *status.Status, known bool) {
	if s, ok := status.FromError(err); ok {
		return s, true
	}
	row := kinds[len(kinds)-1]
	for _, k := range kinds {
		if errors.Is(err, k.err) {
			row = k
			break
		}
	}
	known = row.err != errInternal
	var said *plinth.Error
	message, field := row.name, ""
	switch {
	case errors.As(err, &said):
		message, field = said.Text, said.Field
	case !known:
		message = "internal error"
	}
	return newStatus(row.code, row.name, message, field), known
}

func newStatus(code codes.Code, name, message, field string) *status.Status {
	st := status.New(code, message)
	info := &errdetails.ErrorInfo{Reason: name, Domain: errorDomain}
	if field == "" {
		if with, err := st.WithDetails(info); err == nil {
			return with
		}
		return st
	}
	bad := &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: field, Description: message}}}
	if with, err := st.WithDetails(info, bad); err == nil {
		return with
	}
	return st
}

// toProblem reads a status back for HTTP.
func toProblem(st *status.Status, requestID string) problem {
	p := problem{Code: "internal", Message: st.Message(), RequestID: requestID, http: http.StatusInternalServerError}
	for _, k := range kinds {
		if k.code == st.Code() {
			p.Code, p.http = k.name, k.http
		}
	}
	for _, d := range st.Details() {
		switch d := d.(type) {
		case *errdetails.ErrorInfo:
			p.setReason(d)
		case *errdetails.BadRequest:
			if v := d.GetFieldViolations(); len(v) > 0 {
				p.Field = v[0].GetField()
			}
		}
	}
	return p
}

func (p *problem) setReason(d *errdetails.ErrorInfo) {
	if d.GetDomain() != errorDomain {
		return
	}
	for _, k := range kinds {
		if k.name == d.GetReason() {
			p.Code, p.http = k.name, k.http
		}
	}
}

// write answers with the problem as JSON.
func (p problem) write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	if p.http == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="plinth"`)
	}
	w.WriteHeader(p.http)
	_ = json.NewEncoder(w).Encode(p) // the caller may be gone; there is nobody to tell
}

// WriteError answers a raw route's request with err in the form that every route uses, and logs what the caller may
// not read.
func WriteError(w http.ResponseWriter, r *http.Request, err error) {
	st, known := toStatus(err)
	c := callOf(r.Context())
	if !known {
		c.fail(err)
	}
	toProblem(st, c.id).write(w)
}
