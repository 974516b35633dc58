package vitals

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"plinth"
	"plinth/ledger"
)

// Try checks a definition with the engine and computes its newest ended period, storing nothing.
func (k *Keeper) Try(ctx context.Context, i Indicator) ([]Value, error) {
	if err := i.Validate(); err != nil {
		return nil, err
	}
	v := Version{Indicator: i, Version: 1}
	every := time.Duration(i.Every)
	from := periodOf(k.Now(), every).Add(-every)
	if err := k.Engine.Admit(ctx, filled(i.SQL, from, from.Add(every), "")); err != nil {
		return nil, err
	}
	evidence := filled(i.Evidence, from, from.Add(every), "")
	if err := under("evidenceSql", k.Engine.Admit(ctx, evidence)); err != nil {
		return nil, err
	}
	out, err := k.values(ctx, v, from, false)
	if err != nil {
		return nil, err
	}
	_, err = k.Engine.Run(ctx, evidence, 1)
	return out, under("evidenceSql", err)
}

// under says that a fault of SQL is the evidence query's.
func under(field string, err error) error {
	if e, ok := err.(*plinth.Error); ok && e.Field == "sql" {
		c := *e
		c.Field = field
		return &c
	}
	return err
}

// Declare adds an indicator of a person. Its newest period is computed at once.
func (k *Keeper) Declare(ctx context.Context, p plinth.Principal, i Indicator) (Version, error) {
	if _, err := k.Version(i.ID); err == nil {
		return Version{}, plinth.Errorf(plinth.ErrConflict, "there is an indicator %s already; change it instead", i.ID)
	}
	return k.append(ctx, p, Version{Indicator: i, Version: 1}, "indicator.declared", "", "")
}

// Change replaces an indicator's definition. version is the one that was read.
func (k *Keeper) Change(ctx context.Context, p plinth.Principal, i Indicator, version int) (Version, error) {
	old, err := k.readable(i.ID, version)
	if err != nil {
		return Version{}, err
	}
	return k.append(ctx, p, Version{Indicator: i, Version: old.Version + 1}, "indicator.changed", "", old.Record)
}

// Retire ends an indicator. Its values stay.
func (k *Keeper) Retire(ctx context.Context, p plinth.Principal, id string, version int, reason string) (Version, error) {
	old, err := k.readable(id, version)
	if err != nil {
		return Version{}, err
	}
	if old.Retired {
		return Version{}, plinth.Errorf(plinth.ErrConflict, "the indicator %s is retired already", id)
	}
	v := Version{Indicator: old.Indicator, Version: old.Version + 1, Retired: true}
	return k.append(ctx, p, v, "indicator.retired", reason, old.Record)
}

func (k *Keeper) readable(id string, version int) (Version, error) {
	old, err := k.Version(id)
	if err == nil && old.Version != version {
		err = plinth.Errorf(plinth.ErrConflict, "someone else changed the indicator: it is version %d now, look again", old.Version)
	}
	return old, err
}

func (k *Keeper) append(ctx context.Context, p plinth.Principal, v Version, kind, reason, before string) (Version, error) {
	if !v.Retired {
		if _, err := k.Try(ctx, v.Indicator); err != nil {
			return Version{}, err
		}
	}
	v.Origin, v.At, v.By, v.State = Declared, k.Now().UTC().Truncate(time.Millisecond), p.Account, "pending"
	rec, err := v.record(p, kind, reason, before)
	if err != nil {
		return Version{}, err
	}
	v.Record = rec.ID.String()
	if err := k.Store.Append(ctx, v, rec); err != nil {
		return Version{}, err
	}
	if err := k.reload(ctx); err != nil {
		k.Log.WarnContext(ctx, "indicators not read again, the next tick does", "err", err)
	}
	if !v.Retired {
		k.fault(ctx, v, k.due(ctx, v))
	}
	return v, nil
}

// record is the evidence of a person's change.
func (v *Version) record(p plinth.Principal, kind, reason, before string) (ledger.Record, error) {
	payload, err := json.Marshal(struct {
		Indicator Indicator        `json:"indicator"`
		Version   int              `json:"version"`
		Retired   bool             `json:"retired"`
		Reason    string           `json:"reason,omitempty"`
		Actor     plinth.AccountID `json:"actor"`
		At        time.Time        `json:"at"`
	}{v.Indicator, v.Version, v.Retired, reason, v.By, v.At})
	if err != nil {
		return ledger.Record{}, fmt.Errorf("record %s: %w", kind, err)
	}
	r := ledger.Record{ID: uuid.New(), Origin: ledger.Authz, Kind: kind, Org: string(p.Department),
		Subject: "indicator:" + v.ID, From: v.At, To: v.At, Count: 1, Payload: payload, Relation: ledger.Generated}
	if id, err := uuid.Parse(before); err == nil {
		r.Supersedes, r.Inputs, r.Relation = id, []uuid.UUID{id}, ledger.Derived
	}
	if v.Retired {
		r.Relation = ledger.Invalidated
	}
	return r, nil
}
