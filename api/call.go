package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net"
	"strings"

	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"

	"plinth"
)

// Headers of ours, as gRPC metadata keys.
const (
	requestIDKey   = "x-request-id"
	idempotencyKey = "idempotency-key"
	replayedKey    = "idempotency-replayed"
)

// call is what the server notes about one call for its log line; handlers never see it.
type call struct {
	id     string
	method string
	who    plinth.AccountID
	cause  error // for the operator; never shown to the caller
}

func (c *call) fail(cause error) { c.cause = cause }

type callKey struct{}

func withCall(ctx context.Context, c *call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

// callOf returns the call of ctx, or an empty one that nobody reads.
func callOf(ctx context.Context) *call {
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		return c
	}
	return &call{}
}

// requestID takes over a caller's id when it is harmless in a log, else it makes one.
func requestID(offered string) string {
	harmless := func(r rune) bool {
		return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune("-_.", r)
	}
	if offered != "" && len(offered) <= 64 && strings.IndexFunc(offered, func(r rune) bool { return !harmless(r) }) < 0 {
		return offered
	}
	var b [12]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read does not fail
	return hex.EncodeToString(b[:])
}

// incoming returns the last value of a metadata key, or "".
func incoming(ctx context.Context, key string) string {
	if v := metadata.ValueFromIncomingContext(ctx, key); len(v) > 0 {
		return v[len(v)-1]
	}
	return ""
}

// callerAddress is the network address a call came from. What the gateway forwards is believed because it came by the
// connection inside; the last hop is the one that the gateway itself saw.
func callerAddress(ctx context.Context) string {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return ""
	}
	if p.Addr.Network() == "bufconn" {
		hops := strings.Split(incoming(ctx, "x-forwarded-for"), ",")
		return strings.TrimSpace(hops[len(hops)-1])
	}
	host, _, err := net.SplitHostPort(p.Addr.String())
	if err != nil {
		return p.Addr.String()
	}
	return host
}
