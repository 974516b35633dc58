package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"plinth"
	"plinth/catalog"
	"plinth/internal/district"
	"plinth/internal/postgres"
	"plinth/policy"
	"plinth/security"
)

// grantPeriod is how long the simulated district asks for data.
const grantPeriod = 180 * 24 * time.Hour

// reader is a simulated consumer with the grant it reads under.
type reader struct {
	district.Consumer
	need
	account plinth.AccountID
	dataset plinth.DatasetID
	grant   plinth.GrantID
}

// backstage is where the simulated district's people and papers are made. All of it goes through the desks that real
// people use, and all of it may be done again without doing it twice.
type backstage struct {
	*house
	store    *postgres.Accounts
	operator plinth.Principal
	provider plinth.Principal
	datasets map[string]plinth.DatasetID // by table
}

// openBackstage finds who opens accounts, who answers requests, and what may be asked for.
func (h *house) openBackstage(ctx context.Context) (*backstage, error) {
	b := &backstage{house: h, store: postgres.NewAccounts(h.pg), datasets: map[string]plinth.DatasetID{}}
	for login, p := range map[string]*plinth.Principal{"operator": &b.operator, "provider": &b.provider} {
		a, err := b.store.AccountByLogin(ctx, login)
		if err != nil {
			return nil, fmt.Errorf("the district's %s: %w", login, err)
		}
		*p = a.Principal()
	}
	published, _, err := h.catalog.Datasets(plinth.WithPrincipal(ctx, b.provider),
		catalog.Filter{Publisher: b.provider.Department, Limit: 100, Now: h.now()})
	if err != nil {
		return nil, err
	}
	for _, d := range published {
		if d.Table != "" && d.Published() {
			b.datasets[d.Table] = d.ID
		}
	}
	return b, nil
}

// readers make the consumers, their grants and the demonstration's requests. The schedule's consumer "analyst" is left
// out: that account is for a person.
func (b *backstage) readers(ctx context.Context, consumers []district.Consumer) ([]reader, error) {
	if _, err := b.granted(ctx, demoAsk); err != nil {
		return nil, err
	}
	if _, err := b.asked(ctx, waitingAsk); err != nil {
		return nil, err
	}
	var out []reader
	for _, c := range consumers {
		if c.Account == "analyst" {
			continue
		}
		a, err := b.account(ctx, c.Account, c.Purpose+"（模拟用户）", plinth.AgentID(c.Department), plinth.RoleAnalyst)
		if err != nil {
			return nil, err
		}
		want := askOf(c)
		grant, err := b.granted(ctx, want)
		if err != nil {
			return nil, fmt.Errorf("grant for %s: %w", c.Account, err)
		}
		if grant != "" {
			out = append(out, reader{c, want.need, a.ID, b.datasets[want.table], grant})
		}
	}
	return out, nil
}

// account finds an account or opens it, with a password that nobody is told.
func (b *backstage) account(ctx context.Context, login, name string, department plinth.AgentID, role plinth.Role) (security.Account, error) {
	a, err := b.store.AccountByLogin(ctx, login)
	if !errors.Is(err, plinth.ErrNotFound) {
		return a, err
	}
	return b.accounts.Create(plinth.WithPrincipal(ctx, b.operator), security.Account{Login: login, Name: name,
		Department: department, Roles: []plinth.Role{role}}, rand.Text())
}

// liaison is who asks for data in a department's name. The demo department has the demo account for it.
func (b *backstage) liaison(ctx context.Context, department plinth.AgentID) (plinth.Principal, error) {
	demo, err := b.store.AccountByLogin(ctx, "department")
	if err != nil || demo.Department == department {
		return demo.Principal(), err
	}
	a, err := b.account(ctx, string(department)+"-liaison", "数据联络员（模拟用户）", department, plinth.RoleDepartment)
	return a.Principal(), err
}

// asked finds the request or files it.
func (b *backstage) asked(ctx context.Context, a ask) (policy.Request, error) {
	who, err := b.liaison(ctx, a.department)
	if err != nil {
		return policy.Request{}, err
	}
	dataset := b.datasets[a.table]
	if dataset == "" {
		return policy.Request{}, plinth.Errorf(plinth.ErrNotFound, "no published dataset holds the table %s", a.table)
	}
	now := b.now().UTC().Truncate(time.Second)
	all, _, err := b.uses.desk.Requests(ctx, who, policy.RequestFilter{CreatedBy: who.Account, Page: policy.Page{Size: policy.MaxPage}})
	if err != nil {
		return policy.Request{}, err
	}
	for _, r := range all {
		if r.Reason == a.reason && r.NotAfter.After(now) {
			return r, nil
		}
	}
	return b.uses.desk.CreateRequest(ctx, who, policy.Request{Dataset: dataset, Purpose: a.purpose, Reason: a.reason,
		Columns: a.columns, Filter: a.filter, AllRows: len(a.filter) == 0, NotBefore: now, NotAfter: now.Add(grantPeriod)})
}

// granted is the grant that came of a request; the provider approves what still waits. What was refused stays refused.
func (b *backstage) granted(ctx context.Context, a ask) (plinth.GrantID, error) {
	r, err := b.asked(ctx, a)
	if err != nil || r.State != policy.WithProvider {
		return r.Grant, err
	}
	r, err = b.uses.desk.AnswerRequest(ctx, b.provider, r.ID, policy.Answer{Approve: true, Reason: "同意，按最小必要提供", Masks: a.masks})
	return r.Grant, err
}
