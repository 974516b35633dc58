package fabric

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/template"
)

//go:embed templates/*.yaml
var files embed.FS

var templates = template.Must(template.ParseFS(files, "templates/*.yaml"))

// values is what the templates read.
type values struct {
	Crypto, Data, Builder string
	BFT                   bool
	Orderers              []ordererNode
	Orderer               ordererNode // orderer.yaml only
	Orgs                  []org
	Org                   org    // core.yaml only: whose peer
	PeerNode              string // core.yaml only: folder of the peer's keys
}

func (n *Network) values() values {
	return values{
		Crypto: n.path("crypto"), Data: n.path("data"), Builder: n.path("builder"),
		BFT: n.consensus == BFT, Orderers: n.orderers, Orgs: n.orgs,
	}
}

func (n *Network) render(name, path string, v values) error {
	var out bytes.Buffer
	if err := templates.ExecuteTemplate(&out, name, v); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, out.Bytes(), 0o644)
}

// writeConfig writes the nodes' configuration anew at every start: it holds absolute paths, and the folder may have
// been moved.
func (n *Network) writeConfig(context.Context) error {
	if strings.ContainsAny(n.dir, "\"'\n:#{}[]&*,") {
		return fmt.Errorf("folder %q: Fabric's files cannot hold a path with quotes or YAML's own characters", n.dir)
	}
	for _, o := range n.orderers {
		v := n.values()
		v.Orderer = o
		if err := n.render("orderer.yaml", n.path("cfg", o.Name, "orderer.yaml"), v); err != nil {
			return err
		}
	}
	for _, o := range n.orgs {
		v := n.values()
		v.Org, v.PeerNode = o, n.peerNode(o)
		if err := n.render("core.yaml", n.path("cfg", o.Name, "core.yaml"), v); err != nil {
			return err
		}
	}
	return nil
}

// makeGenesis has configtxgen write the channel's first block, once.
func (n *Network) makeGenesis(ctx context.Context) error {
	if exists(n.path("prepared")) {
		return nil
	}
	n.log.InfoContext(ctx, "fabric: making the channel", "channel", channel)
	if err := n.render("configtx.yaml", n.path("cfg", "configtx.yaml"), n.values()); err != nil {
		return err
	}
	_, err := n.run(ctx, "configtxgen", nil, "-configPath", n.path("cfg"), "-profile", "Evidence",
		"-channelID", channel, "-outputBlock", n.path("genesis.block"))
	if err != nil {
		return err
	}
	return os.WriteFile(n.path("prepared"), []byte(Version+"\n"), 0o644)
}

// run runs one of Fabric's programs to its end and returns its output; a failure's error quotes the last lines.
func (n *Network) run(ctx context.Context, name string, env []string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, n.bins.program(name), args...)
	cmd.Dir = n.dir
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + n.dir, "TZ=UTC"}, env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("%s %s: %w: %s", name, strings.Join(args[:min(3, len(args))], " "), err, lastLines(string(out)))
	}
	return string(out), nil
}

// lastLines is the end of a program's output, where Fabric's programs say what is wrong.
func lastLines(out string) string {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	return strings.Join(lines[max(0, len(lines)-4):], "\n")
}
