// Package plinth holds the few words that all rooms share: kinds of error, the principal of a call, and the types of
// identifiers. It imports the standard library alone and knows no room.
package plinth

import (
	"context"
	"slices"
)

// Identifiers are opaque text with a prefix that tells what they name, e.g. "ds_01hq…". Their zero value names nothing.
type (
	AccountID      string
	AgentID        string // a department, street or town
	DatasetID      string
	RegistrationID string
	RequestID      string
	GrantID        string
	DecisionID     string
	DeviceID       string
	IncidentID     string
	AlertID        string
	RunID          string
)

// Role is what an account may act as.
type Role string

// The roles, each with least privilege: none implies another.
const (
	RoleSteward    Role = "steward"    // 数据管理员: registers datasets, publishes the open list
	RoleRegistrar  Role = "registrar"  // 登记审核员: reviews registrations
	RoleProvider   Role = "provider"   // 供数部门: answers requests for its department's data
	RoleDepartment Role = "department" // 用数部门: asks for authorised data
	RoleAnalyst    Role = "analyst"    // 分析员: queries under its department's grants
	RoleAuditor    Role = "auditor"    // 审计员: verifies evidence
	RoleSecurity   Role = "security"   // 安全员: handles risk alerts
	RoleOperator   Role = "operator"   // 运维员: engines, devices, imports, accounts
	RoleDevice     Role = "device"     // 设备: sends its own readings
)

// Roles are all roles, in the order they are shown.
var Roles = []Role{RoleSteward, RoleRegistrar, RoleProvider, RoleDepartment, RoleAnalyst, RoleAuditor, RoleSecurity,
	RoleOperator, RoleDevice}

// Principal is who makes a call, as authentication found it. The zero value is nobody and may do nothing.
type Principal struct {
	Account    AccountID
	Name       string
	Department AgentID
	Roles      []Role
	// Device is set when the caller is a device; it then acts for itself alone.
	Device DeviceID
}

// Has tells whether p may act as any of the roles.
func (p Principal) Has(roles ...Role) bool {
	return slices.ContainsFunc(roles, func(r Role) bool { return slices.Contains(p.Roles, r) })
}

// Need returns ErrDenied, naming what is needed, unless p may act as one of the roles.
func (p Principal) Need(roles ...Role) error {
	if p.Has(roles...) {
		return nil
	}
	return Errorf(ErrDenied, "this needs one of the roles %v", roles)
}

type principalKey struct{}

// WithPrincipal returns a context whose caller is p.
func WithPrincipal(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// PrincipalFrom returns the caller of ctx, or the zero Principal.
func PrincipalFrom(ctx context.Context) Principal {
	p, _ := ctx.Value(principalKey{}).(Principal)
	return p
}
