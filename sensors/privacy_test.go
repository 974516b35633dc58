package sensors_test

import (
	"testing"

	"plinth"
	"plinth/sensors"
)

func who(department plinth.AgentID, roles ...plinth.Role) plinth.Principal {
	return plinth.Principal{Account: "a", Department: department, Roles: roles}
}

func TestADevicesValuesAreShownByItsPrivacy(t *testing.T) {
	sensors.UseKinds(map[string]sensors.Kind{"creek": {Privacy: sensors.Public}, "meter": {Privacy: sensors.Home}, "odd": {Privacy: "secret"}})
	t.Cleanup(func() { sensors.UseKinds(nil) })
	at := func(kind, attr string) *sensors.Device {
		d := &sensors.Device{ID: "d-1", Kind: kind, Owner: "civil", Street: "taopu"}
		if attr != "" {
			d.Attrs = map[string]string{"privacy": attr}
		}
		return d
	}
	analyst, steward, operator := who("", plinth.RoleAnalyst), who("civil", plinth.RoleSteward), who("", plinth.RoleOperator)
	owner, street, other := who("civil", plinth.RoleProvider), who("taopu", plinth.RoleProvider), who("ecology", plinth.RoleProvider)
	itself, neighbour := who("", plinth.RoleDevice), who("", plinth.RoleDevice)
	itself.Device, neighbour.Device = "d-1", "d-2"
	for _, tt := range []struct {
		what, kind, attr string
		want             sensors.Privacy
		shown, hidden    []plinth.Principal
	}{
		{"a kind for everyone", "creek", "", sensors.Public, []plinth.Principal{analyst, steward, other, itself}, []plinth.Principal{{}, neighbour}},
		{"a kind that nobody judged", "weather", "", sensors.Internal, []plinth.Principal{steward, other, operator}, []plinth.Principal{{}, analyst}},
		{"a home", "meter", "", sensors.Home, []plinth.Principal{operator, owner, street, who("", plinth.RoleAuditor), itself},
			[]plinth.Principal{{}, analyst, steward, other, neighbour, who("", plinth.RoleProvider), who("taopu", plinth.RoleDepartment),
				who("", plinth.RoleSecurity), who("", plinth.RoleRegistrar)}},
		{"a device stricter than its kind", "creek", "home", sensors.Home, []plinth.Principal{owner}, []plinth.Principal{analyst, steward}},
		{"a device that would be milder", "meter", "public", sensors.Home, []plinth.Principal{owner}, []plinth.Principal{analyst}},
		{"a word that is not known", "creek", "hoem", sensors.Home, []plinth.Principal{owner}, []plinth.Principal{analyst}},
		{"a kind whose word is not known", "odd", "", sensors.Home, []plinth.Principal{owner}, []plinth.Principal{analyst}},
	} {
		d := at(tt.kind, tt.attr)
		if got := d.Privacy(); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.what, got, tt.want)
		}
		for _, p := range tt.shown {
			if err := d.MayShow(p); err != nil {
				t.Errorf("%s is hidden from %v of %q: %v", tt.what, p.Roles, p.Department, err)
			}
		}
		for _, p := range tt.hidden {
			if d.Shows(p) {
				t.Errorf("%s is shown to %v of %q", tt.what, p.Roles, p.Department)
			}
		}
	}
}
