package api

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"

	"plinth"
	pb "plinth/api/plinth/v1"
)

// Keys remembers what a write answered, so that a repeated write answers the same and changes nothing. A key is an
// account's own. All methods are safe for concurrent use, and durable when they return.
type Keys interface {
	// Claim takes the key for a call that is about to run: fresh is true. Of a call that is done it returns the kept
	// answer, empty when that was not to be kept. It returns plinth.ErrConflict when the key was used for another
	// method or body, or its first call is still running or ended without a known outcome. The body is the SHA-256 of
	// the request's deterministic bytes.
	Claim(ctx context.Context, account plinth.AccountID, key, method string, body [32]byte) (answer []byte, fresh bool, err error)
	// Keep stores the answer of a claimed key.
	Keep(ctx context.Context, account plinth.AccountID, key string, answer []byte) error
	// Release forgets a claimed key whose call changed nothing.
	Release(ctx context.Context, account plinth.AccountID, key string) error
}

// writes are the methods that change something: all that the API does not map to GET.
func writes() map[string]bool {
	all := map[string]bool{}
	for method := range access {
		d := methodDescriptor(method)
		if d == nil {
			continue
		}
		rule, ok := proto.GetExtension(d.Options(), annotations.E_Http).(*annotations.HttpRule)
		all[method] = !ok || rule.GetGet() == ""
	}
	return all
}

func methodDescriptor(full string) protoreflect.MethodDescriptor {
	service, method, ok := strings.Cut(strings.TrimPrefix(full, "/"), "/")
	if !ok {
		return nil
	}
	for _, f := range []protoreflect.FileDescriptor{pb.File_plinth_v1_auth_proto, pb.File_plinth_v1_catalog_proto,
		pb.File_plinth_v1_event_proto, pb.File_plinth_v1_evidence_proto, pb.File_plinth_v1_pipeline_proto,
		pb.File_plinth_v1_policy_proto, pb.File_plinth_v1_query_proto, pb.File_plinth_v1_security_proto,
		pb.File_plinth_v1_sensor_proto, pb.File_plinth_v1_system_proto} {
		s := f.Services().ByName(protoreflect.FullName(service).Name())
		if s != nil && string(s.FullName()) == service {
			return s.Methods().ByName(protoreflect.Name(method))
		}
	}
	return nil
}

// once runs a call, and when it is a write with an idempotency key, at most once for that key.
func (g *guard) once(ctx context.Context, c *call, req proto.Message, next grpc.UnaryHandler) (any, error) {
	value := incoming(ctx, idempotencyKey)
	if value == "" || !g.writes[c.method] || c.who == "" {
		return next(ctx, req)
	}
	body, err := g.bodyHash(value, req)
	if err != nil {
		return nil, err
	}
	kept, fresh, err := g.keys.Claim(ctx, c.who, value, c.method, body)
	if err != nil {
		return nil, err
	}
	if !fresh {
		return replay(ctx, kept)
	}
	answer, err := next(ctx, req)
	return answer, g.settle(ctx, c, value, answer, err)
}

func (g *guard) bodyHash(key string, req proto.Message) (hash [32]byte, err error) {
	if g.keys == nil {
		return hash, plinth.Invalid("Idempotency-Key", "this server keeps no idempotency keys")
	}
	if err := checkKey(key); err != nil {
		return hash, err
	}
	body, err := proto.MarshalOptions{Deterministic: true}.Marshal(req)
	if err != nil {
		return hash, fmt.Errorf("hash request: %w", err)
	}
	return sha256.Sum256(body), nil
}

func checkKey(value string) error {
	if len(value) > 128 || strings.ContainsFunc(value, func(r rune) bool { return r < '!' || r > '~' }) {
		return plinth.Invalid("Idempotency-Key", "must be 1 to 128 visible ASCII characters")
	}
	return nil
}

// settle keeps a success, and frees the key after a failure that changed nothing. A failure of unknown kind may have
// changed something: its key stays taken, and a repeat is told so.
func (g *guard) settle(ctx context.Context, c *call, key string, answer any, failed error) error {
	ctx = context.WithoutCancel(ctx) // the caller may be gone; the key must be settled all the same
	if failed != nil {
		if clean(failed) {
			return errors.Join(failed, g.keys.Release(ctx, c.who, key))
		}
		return failed
	}
	var bytes []byte
	if m, ok := answer.(proto.Message); ok && !access[c.method].Secret {
		packed, err := anypb.New(m)
		if err != nil {
			return fmt.Errorf("pack answer: %w", err)
		}
		if bytes, err = proto.Marshal(packed); err != nil {
			return fmt.Errorf("pack answer: %w", err)
		}
	}
	if err := g.keys.Keep(ctx, c.who, key, bytes); err != nil {
		c.fail(err) // the write itself is done: answer it, a repeat will be refused
	}
	return nil
}

// clean tells whether a failure surely changed nothing.
func clean(err error) bool {
	for _, kind := range []error{plinth.ErrInvalid, plinth.ErrNotFound, plinth.ErrDenied, plinth.ErrUnknown,
		plinth.ErrConflict, plinth.ErrExhausted, plinth.ErrUnavailable} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

func replay(ctx context.Context, kept []byte) (any, error) {
	if len(kept) == 0 {
		return nil, plinth.Errorf(plinth.ErrConflict, "this Idempotency-Key was used before; its answer is not kept because it holds a secret")
	}
	var packed anypb.Any
	if err := proto.Unmarshal(kept, &packed); err != nil {
		return nil, fmt.Errorf("unpack kept answer: %w", err)
	}
	answer, err := packed.UnmarshalNew()
	if err != nil {
		return nil, fmt.Errorf("unpack kept answer: %w", err)
	}
	_ = grpc.SetHeader(ctx, metadata.Pairs(replayedKey, "true"))
	return answer, nil
}
