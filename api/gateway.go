package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/grpc-ecosystem/grpc-gateway/v2/utilities"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"plinth"
)

// newGateway builds the REST form of the services.
func newGateway(ctx context.Context, g *guard, conn *grpc.ClientConn, services []Service) (http.Handler, error) {
	mux := runtime.NewServeMux(
		runtime.WithMarshalerOption(runtime.MIMEWildcard, newStrictJSON()),
		runtime.WithIncomingHeaderMatcher(headerIn),
		runtime.WithOutgoingHeaderMatcher(headerOut),
		runtime.WithErrorHandler(g.gatewayError),
		runtime.WithRoutingErrorHandler(g.routingError),
		runtime.SetQueryParameterParser(strictQuery{}),
		runtime.WithDisableHTTPMethodOverride(),
		runtime.WithDisablePathLengthFallback(),
	)
	for _, s := range services {
		if s.Gateway == nil {
			continue
		}
		if err := s.Gateway(ctx, mux, conn); err != nil {
			return nil, fmt.Errorf("register gateway: %w", err)
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// An odd key must be refused here: gRPC would drop the header in silence, and with it the promise.
		if err := cmp.Or(checkURL(r.URL), checkKey(r.Header.Get("Idempotency-Key"))); err != nil {
			WriteError(w, r, err)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		mux.ServeHTTP(w, r)
	}), nil
}

func headerIn(key string) (string, bool) {
	switch strings.ToLower(key) {
	case requestIDKey, idempotencyKey:
		return strings.ToLower(key), true
	}
	return "", false // Authorization and X-Forwarded-For are passed by the gateway itself
}

func headerOut(key string) (string, bool) {
	if key == replayedKey {
		return "Idempotency-Replayed", true
	}
	return "", false // X-Request-Id stands on the answer already
}

// checkURL refuses what no message could carry.
func checkURL(u *url.URL) error {
	if !utf8.ValidString(u.Path) {
		return plinth.Invalid("path", "is not valid UTF-8")
	}
	values, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return plinth.Invalid("query", "cannot be read")
	}
	for name, all := range values {
		if !utf8.ValidString(name) {
			return plinth.Invalid("query", "a name is not valid UTF-8")
		}
		for _, v := range all {
			if !utf8.ValidString(v) {
				return plinth.Invalid(name, "is not valid UTF-8")
			}
		}
	}
	return nil
}

// strictQuery refuses parameters that the request does not have.
type strictQuery struct{ runtime.DefaultQueryParser }

// Parse implements runtime.QueryParameterParser.
func (q strictQuery) Parse(m proto.Message, values url.Values, filter *utilities.DoubleArray) error {
	for name := range values {
		first, _, _ := strings.Cut(name, ".")
		first, _, _ = strings.Cut(first, "[")
		fields := m.ProtoReflect().Descriptor().Fields()
		if fields.ByName(protoreflect.Name(first)) == nil && fields.ByJSONName(first) == nil {
			return inBand(plinth.Invalid(name, "is not a parameter of this call"))
		}
	}
	return q.DefaultQueryParser.Parse(m, values, filter)
}

// inBandError carries a field's name through generated code that keeps nothing of an error but its text.
type inBandError struct{ field, text string }

func inBand(e *plinth.Error) error { return inBandError{field: e.Field, text: e.Text} }

func (e inBandError) Error() string { return "\x1e" + e.field + "\x1f" + e.text }

// namedField finds the field in the sentences of the gateway and of protojson.
var namedField = regexp.MustCompile(`(?:field|parameter:?|parsing field|path) "?([A-Za-z_][\w.\[\]]*)"?`)

// decodeProblem reads a refusal that came from decoding, before any handler ran.
func decodeProblem(st *status.Status, p *problem) {
	if st.Code() != codes.InvalidArgument || len(st.Details()) > 0 {
		return
	}
	if rest, ok := strings.CutPrefix(st.Message(), "\x1e"); ok {
		p.Field, p.Message, _ = strings.Cut(rest, "\x1f")
		return
	}
	if m := namedField.FindStringSubmatch(st.Message()); m != nil {
		p.Field = m[1]
	}
	p.Message = "cannot be read: " + strings.TrimSpace(strings.ReplaceAll(st.Message(), "\u00a0", " "))
}

// gatewayError answers an error of a REST call.
func (g *guard) gatewayError(_ context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, r *http.Request, err error) {
	c := callOf(r.Context())
	var routing *runtime.HTTPStatusError
	if errors.As(err, &routing) {
		err = routing.Err
	}
	st := status.Convert(err)
	p := toProblem(st, c.id)
	decodeProblem(st, &p)
	if b, ok := r.Body.(*limitedBody); ok && b.exceeded {
		p.Code, p.Message, p.http = "too_large", b.sentence(), http.StatusRequestEntityTooLarge
	}
	if p.Code == "internal" {
		p.Message = "internal error"
	}
	p.write(w)
}

// routingError answers a path or method that no RPC has.
func (g *guard) routingError(_ context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, r *http.Request, code int) {
	p := problem{Code: "not_found", Message: "there is nothing at this address", RequestID: callOf(r.Context()).id, http: code}
	switch code {
	case http.StatusMethodNotAllowed:
		p.Code, p.Message = "unimplemented", "this address does not answer "+r.Method
	case http.StatusBadRequest:
		p.Code, p.Message = "invalid", "the address cannot be read"
	}
	p.write(w)
}
