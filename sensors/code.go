package sensors

import (
	"github.com/google/uuid"

	"plinth"
	"plinth/ledger"
)

var codeSpace = uuid.NewSHA1(uuid.NameSpaceURL, []byte("plinth/device.code/v1"))

// Code is the short code for d's label. It follows from the id alone, names the device and gives no right.
func (d *Device) Code() string { return ledger.ShortCode(uuid.NewSHA1(codeSpace, []byte(d.ID))) }

// ByCode returns the device whose label has the code, however it is typed. The caller must not change it.
func (r *Registry) ByCode(code string) (*Device, error) {
	code, err := ledger.ParseShortCode(code)
	if err != nil {
		return nil, err
	}
	known := r.known.Load()
	if d := known.byID[known.codes[code]]; d != nil {
		return d, nil
	}
	return nil, plinth.Errorf(plinth.ErrNotFound, "no device has the code %s", code)
}
