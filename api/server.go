// Package api holds the doors of the house: the gRPC services and their REST form on one port, raw HTTP routes, the
// console's files, and what every call passes on its way in: request id, authentication, the access table, limits,
// strict decoding, idempotency, the log line and the counters. Handlers convert and call a room; they decide nothing.
package api

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"plinth"
	"plinth/security"
)

// DefaultMaxBody is the most bytes a request body may have unless its route says otherwise.
const DefaultMaxBody = 4 << 20

// Service is one gRPC service and its REST form.
type Service struct {
	Register func(grpc.ServiceRegistrar)
	Gateway  func(context.Context, *runtime.ServeMux, *grpc.ClientConn) error
}

// Route is a plain HTTP route. The server authenticates and checks roles before Handler runs; the principal is in the
// request's context.
type Route struct {
	Method, Pattern string        // as for http.ServeMux, e.g. "GET", "/open/{file}"
	Roles           []plinth.Role // one of these; empty means anyone signed in
	Public          bool          // needs no authentication
	MaxBody         int64         // bytes; 0 means DefaultMaxBody, negative means the handler limits it
	Handler         http.Handler
}

// Config is what a Server is made of. Log, Auth and Registry are needed, the rest may be left out.
type Config struct {
	Log      *slog.Logger
	Now      func() time.Time
	Auth     security.Authenticator
	Keys     Keys // remembers answers by idempotency key; without it the header is refused
	Services []Service
	Routes   []Route
	Console  fs.FS        // the built console with index.html at its root
	Ready    http.Handler // answers GET /readyz
	Registry *prometheus.Registry
}

// Server answers gRPC, REST and plain HTTP on one port without TLS (h2c); a proxy in front ends TLS in production.
type Server struct {
	log     *slog.Logger
	grpc    *grpc.Server
	inside  *bufconn.Listener // the REST gateway's way in, so that it passes the same interceptors
	conn    *grpc.ClientConn
	handler http.Handler
}

// New builds a server. It refuses a service with an RPC that the access table does not list.
func New(ctx context.Context, c Config) (*Server, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	g := newGuard(c)
	s := &Server{log: c.Log, grpc: g.grpcServer(), inside: bufconn.Listen(1 << 20)}
	for _, svc := range c.Services {
		svc.Register(s.grpc)
	}
	if missing := unlisted(s.grpc); len(missing) > 0 {
		return nil, fmt.Errorf("access table does not list %v", missing)
	}
	var err error
	if s.conn, err = s.dialInside(); err != nil {
		return nil, fmt.Errorf("connect gateway: %w", err)
	}
	gateway, err := newGateway(ctx, g, s.conn, c.Services)
	if err != nil {
		return nil, err
	}
	s.handler = g.outer(newMux(g, c, gateway), s.grpc)
	return s, nil
}

// Handler is the whole server as an http.Handler; it works only while Serve runs.
func (s *Server) Handler() http.Handler { return s.handler }

// Serve answers on l until ctx ends, then stops within ten seconds: new calls are refused, running ones may finish for
// eight seconds, long-lived streams are cut after three.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	streams, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	hs := &http.Server{
		Handler: s.handler, Protocols: &protocols,
		ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog:    slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		BaseContext: func(net.Listener) context.Context { return streams },
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		if err := s.grpc.Serve(s.inside); err != grpc.ErrServerStopped { // ended before it began
			return err
		}
		return nil
	})
	g.Go(func() error {
		if err := hs.Serve(l); err != http.ErrServerClosed {
			return err
		}
		return nil
	})
	<-ctx.Done()
	s.stop(hs, cut)
	return g.Wait()
}

func (s *Server) stop(hs *http.Server, cut context.CancelFunc) {
	time.AfterFunc(3*time.Second, cut)
	patience, done := context.WithTimeout(context.Background(), 8*time.Second)
	defer done()
	if err := hs.Shutdown(patience); err != nil {
		s.log.WarnContext(patience, "calls cut at stop", "error", err)
		_ = hs.Close()
	}
	_ = s.conn.Close()
	s.grpc.Stop()
}

func (s *Server) dialInside() (*grpc.ClientConn, error) {
	dial := func(ctx context.Context, _ string) (net.Conn, error) { return s.inside.DialContext(ctx) }
	return grpc.NewClient("passthrough:///inside", grpc.WithContextDialer(dial),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(64<<20)))
}
