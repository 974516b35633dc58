package api

import (
	_ "embed" // the OpenAPI document
	"fmt"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"plinth"
)

//go:embed plinth.swagger.json
var openAPI []byte

// newMux lays out the paths: health, the API document, raw routes, the REST form under /v1/, the console elsewhere.
func newMux(g *guard, c Config, gateway http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprintln(w, "ok")
	})
	mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = w.Write(openAPI)
	})
	if c.Ready != nil {
		mux.Handle("GET /readyz", c.Ready)
	}
	routes := c.Routes
	if c.Registry != nil {
		routes = append(routes[:len(routes):len(routes)], Route{Method: "GET", Pattern: "/metrics", Roles: []plinth.Role{operator},
			Handler: promhttp.HandlerFor(c.Registry, promhttp.HandlerOpts{})})
	}
	for _, r := range routes {
		mux.Handle(r.Method+" "+r.Pattern, g.route(r))
	}
	mux.Handle("/v1/", limitBody(DefaultMaxBody, gateway))
	mux.Handle("/", console(c.Console))
	return mux
}

// outer sends gRPC to its server and gives every other request its id, its headers and a net under it.
func (g *guard) outer(mux http.Handler, gs *grpc.Server) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 2 && strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
			gs.ServeHTTP(w, r)
			return
		}
		c := &call{id: requestID(r.Header.Get("X-Request-Id"))}
		r = r.WithContext(withCall(r.Context(), c))
		r.Header.Set("X-Request-Id", c.id)
		w.Header().Set("X-Request-Id", c.id)
		setSecurityHeaders(w.Header())
		mux.ServeHTTP(w, r)
	})
}

// route wraps a raw route with what an RPC passes.
func (g *guard) route(rt Route) http.Handler {
	method := rt.Method + " " + rt.Pattern
	limit := rt.MaxBody
	if limit == 0 {
		limit = DefaultMaxBody
	}
	serve := func(w http.ResponseWriter, r *http.Request) {
		c := callOf(r.Context())
		c.method = method
		start, seen := g.now(), &watch{ResponseWriter: w}
		err := recovered(func() error {
			ctx, err := g.identify(r.Context(), c, r.Header.Get("Authorization"), Access{Public: rt.Public, Roles: rt.Roles})
			if err != nil {
				return err
			}
			rt.Handler.ServeHTTP(seen, r.WithContext(ctx))
			return nil
		})
		if err != nil && seen.code == 0 {
			WriteError(seen, r, err)
		} else if err != nil {
			c.fail(err) // the answer has begun; it can only be cut short
		}
		g.done(r.Context(), c, codeOfHTTP(seen.code), g.now().Sub(start))
	}
	if limit < 0 {
		return http.HandlerFunc(serve)
	}
	return limitBody(limit, http.HandlerFunc(serve))
}

// codeOfHTTP is the gRPC code that stands for an HTTP code in logs and counters.
func codeOfHTTP(http int) codes.Code {
	if http < 400 {
		return codes.OK
	}
	for _, k := range kinds {
		if k.http == http {
			return k.code
		}
	}
	return status.Code(errInternal)
}

// watch remembers the code that was answered.
type watch struct {
	http.ResponseWriter
	code int
}

// WriteHeader implements http.ResponseWriter.
func (w *watch) WriteHeader(code int) {
	if w.code == 0 {
		w.code = code
	}
	w.ResponseWriter.WriteHeader(code)
}

// Write implements http.ResponseWriter.
func (w *watch) Write(b []byte) (int, error) {
	if w.code == 0 {
		w.code = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach Flush and deadlines.
func (w *watch) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Flush lets a live stream flush without knowing of the wrapper.
func (w *watch) Flush() { _ = http.NewResponseController(w.ResponseWriter).Flush() }
