package fetch

import (
	"bytes"
	"cmp"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"plinth"
)

// secret is a credential of an endpoint: a YAML file NAME.yaml of the operator's folder. It names the origin that it is
// for, so that no declaration can have it sent elsewhere.
type secret struct {
	Origin string `yaml:"origin"` // e.g. https://311.example.org
	Header string `yaml:"header"` // Authorization when empty
	Value  string `yaml:"value"`  // of the header, e.g. "Bearer …"
}

// maxSecret is the most bytes of a secret's file.
const maxSecret = 16 << 10

// authorize puts the secret of a name into a request. No error holds what is in the file.
func (c *Client) authorize(req *http.Request, name string) error {
	if name == "" {
		return nil
	}
	s, err := c.secret(name)
	if err != nil {
		return err
	}
	u, err := url.Parse(s.Origin)
	if err != nil || originOf(u) != originOf(req.URL) {
		return plinth.Errorf(plinth.ErrDenied, "the secret %s is for another origin than %s", name, originOf(req.URL))
	}
	header := cmp.Or(s.Header, "Authorization")
	if !headerName.MatchString(header) || !headerValue.MatchString(s.Value) || strings.EqualFold(header, "Host") {
		return plinth.Errorf(plinth.ErrInvalid, "the file of the secret %s has no header and value that can be sent", name)
	}
	req.Header.Set(header, s.Value)
	return nil
}

// What a credential's header may look like: visible ASCII in the value.
var (
	headerName  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,63}$`)
	headerValue = regexp.MustCompile(`^[ -~]+$`)
)

func (c *Client) secret(name string) (secret, error) {
	var s secret
	if c.cfg.Secrets == "" || name != filepath.Base(name) || strings.HasPrefix(name, ".") {
		return s, plinth.Errorf(plinth.ErrInvalid, "there is no secret %q", name)
	}
	data, err := os.ReadFile(filepath.Join(c.cfg.Secrets, name+".yaml"))
	if errors.Is(err, fs.ErrNotExist) {
		return s, plinth.Errorf(plinth.ErrInvalid, "there is no file of the secret %q", name)
	}
	if err != nil {
		return s, plinth.Errorf(plinth.ErrUnavailable, "the file of the secret %q could not be read", name).Because(err)
	}
	dec := yaml.NewDecoder(bytes.NewReader(data[:min(len(data), maxSecret)]))
	dec.KnownFields(true)
	if dec.Decode(&s) != nil { // its text may quote the file
		return s, plinth.Errorf(plinth.ErrInvalid, "the file of the secret %q has other fields than origin, header and value", name)
	}
	s.Value = strings.TrimSpace(s.Value)
	return s, nil
}
