package sensors

import (
	"slices"

	"plinth"
)

// Privacy says who may see a device's values. That a device is there, and whether it reports, anyone sees.
type Privacy string

// The degrees of privacy. A kind has the one that its pack states, and internal when it states none: what nobody judged
// is not for everyone.
const (
	Public   Privacy = "public"   // 公开: anyone who is signed in
	Internal Privacy = "internal" // 内部: those who read series
	Home     Privacy = "home"     // 涉户: it tells how someone lives
)

// Privacies are the degrees, the mildest first.
var Privacies = []Privacy{Public, Internal, Home}

// PrivacyAttr is the attribute by which a device is more private than its kind, e.g. a noise meter in a flat.
const PrivacyAttr = "privacy"

// SeriesReaders may read series of values, but those of homes.
var SeriesReaders = []plinth.Role{plinth.RoleSteward, plinth.RoleProvider, plinth.RoleOperator, plinth.RoleSecurity, plinth.RoleAuditor}

// Privacy is d's: its kind's, or what d itself states when that is stricter. What is not understood is a home.
func (d *Device) Privacy() Privacy {
	return stricter(knownKinds()[d.Kind].Privacy.or(Internal), Privacy(d.Attrs[PrivacyAttr]).or(Public))
}

func (p Privacy) or(without Privacy) Privacy {
	switch {
	case p == "":
		return without
	case !slices.Contains(Privacies, p):
		return Home
	}
	return p
}

func stricter(a, b Privacy) Privacy {
	return Privacies[max(slices.Index(Privacies, a), slices.Index(Privacies, b))]
}

// Shows tells whether p may see d's values. Of a home's device that is who keeps it running, who proves its readings, and
// who must go there: providers of the owner and of the street.
func (d *Device) Shows(p plinth.Principal) bool {
	if p.Device != "" {
		return p.Device == d.ID
	}
	switch d.Privacy() {
	case Public:
		return p.Has(plinth.Roles...)
	case Internal:
		return p.Has(SeriesReaders...)
	}
	near := p.Department != "" && (p.Department == d.Owner || p.Department == plinth.AgentID(d.Street))
	return p.Has(plinth.RoleOperator, plinth.RoleAuditor) || near && p.Has(plinth.RoleProvider)
}

// MayShow returns ErrDenied unless p may see d's values.
func (d *Device) MayShow(p plinth.Principal) error {
	if d.Shows(p) {
		return nil
	}
	return plinth.Errorf(plinth.ErrDenied, "values of devices that are %s are not for your roles and department", d.Privacy())
}
