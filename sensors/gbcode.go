package sensors

import (
	"slices"
	"strings"

	"plinth"
)

// CodeAttr is the attribute with a video device's code of GB/T 28181.
const CodeAttr = "gb28181"

// VideoCode is a device's code of 20 digits, as GB/T 28181 builds it.
type VideoCode struct {
	Division string // 8 digits: province, city, district, and the unit below
	Industry string // 2 digits: who accesses it, e.g. social order, traffic, city management
	Type     string // 3 digits: what it is, e.g. 131 a camera, 132 a network camera
	Network  string // 1 digit
	Serial   string // 6 digits
}

// provinces are the first two digits of GB/T 2260's codes.
var provinces = strings.Fields("11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82")

// cameraTypes are the types of a code that a camera may have.
var cameraTypes = []string{"131", "132"}

// ParseCode reads a code and tells as ErrInvalid which of its sections is wrong. That the division and the industry exist
// is not checked but for the province: their lists are not part of this service.
func ParseCode(s string) (VideoCode, error) {
	bad := func(format string, args ...any) (VideoCode, error) {
		return VideoCode{}, plinth.Invalid("attrs."+CodeAttr, format, args...)
	}
	if len(s) != 20 || strings.ContainsFunc(s, func(c rune) bool { return c < '0' || c > '9' }) {
		return bad("a GB/T 28181 code has 20 digits, %.40q has not", s)
	}
	c := VideoCode{s[:8], s[8:10], s[10:13], s[13:14], s[14:]}
	switch {
	case !slices.Contains(provinces, c.Division[:2]):
		return bad("digits 1 to 8 are the division: no province has the number %s (GB/T 2260)", c.Division[:2])
	case c.Division[2:6] == "0000":
		return bad("digits 1 to 8 are the division: %s names no city and district", c.Division)
	case c.Type < "111":
		return bad("digits 11 to 13 are the type: %s is none", c.Type)
	case c.Serial == "000000":
		return bad("digits 15 to 20 are the serial number, which begins with 1")
	}
	return c, nil
}

// validCode checks the code of a device that has one; a camera's must be a camera's.
func (d *Device) validCode() error {
	s, ok := d.Attrs[CodeAttr]
	if !ok {
		return nil
	}
	c, err := ParseCode(s)
	if err == nil && d.Kind == "camera" && !slices.Contains(cameraTypes, c.Type) {
		return plinth.Invalid("attrs."+CodeAttr, "digits 11 to 13 are the type: a camera's is one of %v, not %s", cameraTypes, c.Type)
	}
	return err
}
