package api

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"plinth"
	pb "plinth/api/plinth/v1"
)

// stamp is a time on the wire; the zero time is absent.
func stamp(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// evidence is a reference to a record and how far it has come; without a record it is absent.
func evidence(record, state string) *pb.EvidenceRef {
	if record == "" {
		return nil
	}
	return &pb.EvidenceRef{RecordId: record, State: state}
}

func roleNames(roles []plinth.Role) []string {
	out := make([]string, len(roles))
	for i, r := range roles {
		out[i] = string(r)
	}
	return out
}

func rolesOf(names []string) []plinth.Role {
	out := make([]plinth.Role, len(names))
	for i, n := range names {
		out[i] = plinth.Role(n)
	}
	return out
}
