package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"plinth"
	pb "plinth/api/plinth/v1"
	"plinth/security"
)

// guard is what every call passes before and after its handler.
type guard struct {
	log     *slog.Logger
	now     func() time.Time
	auth    security.Authenticator
	keys    Keys
	writes  map[string]bool
	signIns *limiter
	meter   *meter
}

func newGuard(c Config) *guard {
	return &guard{log: c.Log, now: c.Now, auth: c.Auth, keys: c.Keys, writes: writes(),
		signIns: newLimiter(c.Now, 60, 60, "too many sign-ins from here; wait a minute"), meter: newMeter(c.Registry)}
}

func (g *guard) grpcServer() *grpc.Server {
	return grpc.NewServer(grpc.MaxRecvMsgSize(DefaultMaxBody), grpc.UnaryInterceptor(g.unary), grpc.StreamInterceptor(g.stream))
}

func (g *guard) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	c := &call{id: requestID(incoming(ctx, requestIDKey)), method: info.FullMethod}
	ctx = withCall(ctx, c)
	_ = grpc.SetHeader(ctx, metadata.Pairs(requestIDKey, c.id)) // fails only when headers are already sent
	var answer any
	err := g.around(ctx, c, func() (err error) {
		answer, err = g.admit(ctx, c, req, next)
		return err
	})
	return answer, err
}

func (g *guard) stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	ctx := ss.Context()
	c := &call{id: requestID(incoming(ctx, requestIDKey)), method: info.FullMethod}
	ctx = withCall(ctx, c)
	_ = ss.SetHeader(metadata.Pairs(requestIDKey, c.id))
	return g.around(ctx, c, func() error {
		ctx, err := g.enter(ctx, c, incoming(ctx, "authorization"))
		if err != nil {
			return err
		}
		return next(srv, &streamAs{ServerStream: ss, ctx: ctx})
	})
}

// streamAs is a stream whose context carries the principal.
type streamAs struct {
	grpc.ServerStream
	ctx context.Context
}

func (s *streamAs) Context() context.Context { return s.ctx }

// around runs f, turns a panic and every error into a status, and writes the log line.
func (g *guard) around(ctx context.Context, c *call, f func() error) error {
	start := g.now()
	err := recovered(f)
	if err == nil {
		g.done(ctx, c, codes.OK, g.now().Sub(start))
		return nil
	}
	st, known := toStatus(err)
	c.note(err, known)
	g.done(ctx, c, st.Code(), g.now().Sub(start))
	return st.Err()
}

func recovered(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return f()
}

// note keeps for the log what the caller does not read: an unknown error whole, of a known one its cause alone.
func (c *call) note(err error, known bool) {
	var said *plinth.Error
	switch {
	case !known:
		c.cause = err
	case errors.As(err, &said) && said.Cause != nil:
		c.cause = said.Cause
	}
}

// done writes the call's log line and counts it.
func (g *guard) done(ctx context.Context, c *call, code codes.Code, took time.Duration) {
	g.meter.count(c.method, code.String(), took)
	level := slog.LevelInfo
	switch {
	case code == codes.Internal || code == codes.Unknown || code == codes.DataLoss:
		level = slog.LevelError
	case code == codes.Unavailable:
		level = slog.LevelWarn
	case code == codes.OK && !g.writes[c.method]:
		level = slog.LevelDebug
	}
	attrs := []slog.Attr{slog.String("method", c.method), slog.String("code", code.String()),
		slog.Duration("took", took), slog.String("request_id", c.id), slog.String("account", string(c.who))}
	if c.cause != nil {
		attrs = append(attrs, slog.Any("cause", c.cause))
	}
	g.log.LogAttrs(ctx, level, "call", attrs...)
}

// admit lets a unary call through the gates in order: access table, limits, text, idempotency.
func (g *guard) admit(ctx context.Context, c *call, req any, next grpc.UnaryHandler) (any, error) {
	ctx, err := g.enter(ctx, c, incoming(ctx, "authorization"))
	if err != nil {
		return nil, err
	}
	if c.method == pb.AuthService_SignIn_FullMethodName {
		if err := g.signIns.take(callerAddress(ctx)); err != nil {
			return nil, err
		}
	}
	m, ok := req.(proto.Message)
	if !ok {
		return nil, fmt.Errorf("request is a %T, not a message", req)
	}
	if err := checkText(m.ProtoReflect(), ""); err != nil {
		return nil, err
	}
	return g.once(ctx, c, m, next)
}

// enter authenticates the caller and asks the access table. What is not listed is open to nobody.
func (g *guard) enter(ctx context.Context, c *call, authorization string) (context.Context, error) {
	a, ok := access[c.method]
	if !ok {
		return nil, plinth.Errorf(plinth.ErrDenied, "no rule admits anyone to %s", c.method)
	}
	return g.identify(ctx, c, authorization, a)
}

// identify authenticates the caller where a asks for it and checks the roles.
func (g *guard) identify(ctx context.Context, c *call, authorization string, a Access) (context.Context, error) {
	if a.Public {
		return ctx, nil
	}
	p, err := g.auth.Authenticate(ctx, bearer(authorization))
	if err != nil {
		return nil, err
	}
	c.who = p.Account
	if len(a.Roles) > 0 {
		if err := p.Need(a.Roles...); err != nil {
			return nil, err
		}
	}
	return plinth.WithPrincipal(ctx, p), nil
}

// bearer takes the token out of an Authorization value; "" when there is none.
func bearer(authorization string) string {
	scheme, token, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
