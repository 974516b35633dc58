package security

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"strings"

	"plinth"
)

// Login is a name and a password, for showing once.
type Login struct {
	Login, Password string
	Role            plinth.Role
}

// demo are the accounts of a first run, one per role.
var demo = []struct {
	login, name string
	department  plinth.AgentID
	role        plinth.Role
}{
	{"steward", "数据管理员 沈静", "databureau", plinth.RoleSteward},
	{"registrar", "登记审核员 陆明", "databureau", plinth.RoleRegistrar},
	{"provider", "供数联络员 顾倩", "opcentre", plinth.RoleProvider},
	{"department", "用数联络员 朱磊", "civil", plinth.RoleDepartment},
	{"analyst", "分析员 周敏", "civil", plinth.RoleAnalyst},
	{"auditor", "审计员 严正", "databureau", plinth.RoleAuditor},
	{"security", "安全员 卫东", "databureau", plinth.RoleSecurity},
	{"operator", "运维员 程工", "opcentre", plinth.RoleOperator},
}

// Bootstrap creates the accounts of a first run when there are none at all, with generated passwords, and returns
// them: the only time that anybody can read them. Later runs return nothing.
func (s *Accounts) Bootstrap(ctx context.Context) ([]Login, error) {
	have, err := s.accounts.Accounts(ctx, 1, "")
	if err != nil || len(have) > 0 {
		return nil, err
	}
	var logins []Login
	var all []Account
	for _, d := range demo {
		password := newPassword()
		a, err := s.prepare(Account{Login: d.login, Name: d.name, Department: d.department, Roles: []plinth.Role{d.role}}, password)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
		logins = append(logins, Login{Login: d.login, Password: password, Role: d.role})
	}
	if err := s.accounts.CreateAccounts(ctx, "", all...); err != nil {
		return nil, fmt.Errorf("create the first accounts: %w", err)
	}
	return logins, nil
}

// newPassword makes 100 random bits in groups that can be typed.
func newPassword() string {
	b := make([]byte, 15)
	_, _ = rand.Read(b) // crypto/rand.Read does not fail
	s := strings.ToLower(base32.StdEncoding.EncodeToString(b))[:20]
	return s[:5] + "-" + s[5:10] + "-" + s[10:15] + "-" + s[15:]
}
