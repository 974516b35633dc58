package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"

	"plinth/pipelines/fetch"
	"plinth/sensors"
)

// Config is everything one can set. Order: these defaults, the file of --config, variables PLINTH_…, flags; the later
// wins. An engine without a URL is started here by `plinth up`; `plinth serve` needs all URLs.
type Config struct {
	Data   string `help:"Folder of all that is kept: engines, logs of evidence, keys." default:"data" type:"path"`
	Listen string `help:"Address of the API and the console. Loopback unless you put TLS in front." default:"127.0.0.1:8640"`

	Postgres   PostgresConfig   `embed:"" prefix:"postgres-"`
	Clickhouse ClickhouseConfig `embed:"" prefix:"clickhouse-"`
	Broker     BrokerConfig     `embed:"" prefix:"broker-"`
	Sensors    SensorsConfig    `embed:"" prefix:"sensors-"`
	Ingest     IngestConfig     `embed:"" prefix:"ingest-"`
	Pull       PullConfig       `embed:"" prefix:"pull-"`
	Fabric     FabricConfig     `embed:"" prefix:"fabric-"`
	Ledger     LedgerConfig     `embed:"" prefix:"ledger-"`
	Log        LogConfig        `embed:"" prefix:"log-"`

	OpenlineageURL string `name:"openlineage-url" help:"Collector that is sent OpenLineage events of the pipelines' runs, e.g. http://marquez:5000/api/v1/lineage. Empty sends none."`
}

// PostgresConfig names the database of facts.
type PostgresConfig struct {
	URL          string `help:"postgres://user@host:port/database, without the password."`
	PasswordFile string `help:"File that holds the password." type:"path"`
}

// ClickhouseConfig names the database of streams.
type ClickhouseConfig struct {
	URL          string `help:"http(s)://host:port of ClickHouse's HTTP interface."`
	User         string `help:"The service's user." default:"svc"`
	PasswordFile string `help:"File that holds its password." type:"path"`
	Durability   string `help:"What a reading has reached when it is acknowledged: standard is a part of the table, fsync is on the disk, quorum is on most replicas." enum:"standard,fsync,quorum" default:"standard"`
}

// BrokerConfig names the MQTT 3.1.1 broker.
type BrokerConfig struct {
	URL          string `help:"tcp://host:port or ssl://host:port of the MQTT broker, or unix:///path on this machine."`
	User         string `help:"The service's user, which may read all devices' topics." default:"plinth"`
	PasswordFile string `help:"File that holds its password." type:"path"`
	UsersFile    string `help:"File of users of the local broker, to which devices are added." type:"path"`
	CAFile       string `name:"ca-file" help:"PEM file of the authority that signed the broker's certificate, where the system does not trust it." type:"path"`
	Listen       string `help:"host:port at which the broker that is started here listens; elsewhere than on loopback it needs TLS."`
	TLS          bool   `name:"tls" help:"The broker that is started here speaks TLS; without a certificate, by an authority that it makes in the data folder."`
	CertFile     string `help:"PEM file of its certificate." type:"path"`
	KeyFile      string `help:"PEM file of the certificate's key." type:"path"`
	// AckWait is also how late the messages come that a member had in hand when it was killed.
	AckWait time.Duration `help:"After what time the broker that is started here sends again what was not acknowledged; longer than the slowest insert of all that may be in hand." default:"60s"`
}

// check returns what is wrong with the broker that is started here.
func (c BrokerConfig) check() error {
	if (c.CertFile == "") != (c.KeyFile == "") {
		return errors.New("broker-key-file: a certificate needs its key, and a key its certificate")
	}
	if c.CertFile != "" && !c.TLS {
		return errors.New("broker-cert-file: set broker-tls too")
	}
	if c.Listen == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("broker-listen: %q is not host:port", c.Listen)
	}
	if ip := net.ParseIP(host); !c.TLS && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return errors.New("broker-listen: elsewhere than on loopback the broker needs broker-tls: devices send their secrets")
	}
	return nil
}

// SensorsConfig says what of the district the registry of devices knows.
type SensorsConfig struct {
	Plane string `help:"JSON file with the parameters of the city's plane, for positions in the system shanghai; without it, the convention in circulation, good for about 100 m." type:"path"`
}

// IngestConfig shapes how members share the devices' messages.
type IngestConfig struct {
	Member     string         `help:"Our name among the processes that take messages in; each has its own. service@HOST unless set."`
	Lease      time.Duration  `help:"How long a member that is silent keeps its parts: the same in every member." default:"15s"`
	Partitions map[string]int `help:"Domains that are split, e.g. lift=4: the same in every member. Devices then publish to plinth/v1/<kind>/p<NN>/<device>/data." placeholder:"DOMAIN=N"`
}

// PullConfig says what the pull pipelines may ask.
type PullConfig struct {
	Allow   []string `help:"Address, block (CIDR) or host that may be asked though it is not public or speaks http://; repeat or separate by commas." placeholder:"CIDR|HOST"`
	Secrets string   `help:"Folder of the credentials NAME.yaml that pull pipelines name; secrets of the data folder unless set." type:"path"`
}

// check returns what is wrong with what may be asked.
func (c PullConfig) check() error {
	_, err := fetch.New(c.fetch("", time.Now))
	return err
}

// FabricConfig names the consortium's network.
type FabricConfig struct {
	Network   string `help:"File network.json that describes endpoints, certificates and keys." type:"path"`
	Consensus string `help:"Of a network started here: raft is one orderer, bft is four of which one may fail or lie. Fixed when the data folder is new." enum:"raft,bft," default:""`
}

// LedgerConfig shapes the logs of evidence.
type LedgerConfig struct {
	Name        string        `help:"First part of the logs' origins, unique in the world." default:"putuo.plinth"`
	AnchorEvery time.Duration `help:"Least time between two anchors of one log." default:"2s"`
	Twin        string        `help:"sm3: each log has a second tree of SM3 hashes, signed with SM2 and anchored with the first. Once anchored it cannot be turned off." enum:",sm3" default:""`
	TSAURL      string        `name:"tsa-url" help:"Time-stamp authority (RFC 3161) that stamps anchored checkpoints; empty: none does." default:""`
	TSARoots    string        `name:"tsa-roots" help:"PEM file with the authority's root certificates; required with an authority." default:""`
}

// LogConfig shapes the service's own log, which goes to standard error.
type LogConfig struct {
	Level  slog.Level `help:"debug, info, warn or error." default:"info"`
	Format string     `help:"text or json." enum:"text,json" default:"text"`
}

// Logger makes the service's logger.
func (c LogConfig) Logger() *slog.Logger {
	opts := &slog.HandlerOptions{Level: c.Level}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, opts))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, opts))
}

// Check returns all faults of c at once. With local, engines may be without a URL.
func (c Config) Check(local bool) error {
	if !local && c.Fabric.Network == "" {
		return errors.Join(c.checkMember(local), errors.New("fabric-network: must be set when no engine is started here"))
	}
	return c.checkMember(local)
}

// checkMember is Check for a member that only takes messages in: it has no business with the chain.
func (c Config) checkMember(local bool) error {
	faults := []error{
		checkListen("listen", c.Listen),
		checkURL("postgres-url", c.Postgres.URL, local, "postgres", "postgresql"),
		checkURL("clickhouse-url", c.Clickhouse.URL, local, "http", "https"),
		checkURL("broker-url", c.Broker.URL, local, "tcp", "ssl", "unix"),
		checkFile("postgres-password-file", c.Postgres.PasswordFile),
		checkFile("clickhouse-password-file", c.Clickhouse.PasswordFile),
		checkFile("broker-password-file", c.Broker.PasswordFile),
		checkFile("broker-ca-file", c.Broker.CAFile),
		checkFile("broker-cert-file", c.Broker.CertFile),
		checkFile("broker-key-file", c.Broker.KeyFile),
		c.Broker.check(),
		checkFile("sensors-plane", c.Sensors.Plane),
		c.Pull.check(),
		checkFile("fabric-network", c.Fabric.Network),
		checkName("ledger-name", c.Ledger.Name),
		checkURL("ledger-tsa-url", c.Ledger.TSAURL, true, "http", "https"),
		checkFile("ledger-tsa-roots", c.Ledger.TSARoots),
		checkURL("openlineage-url", c.OpenlineageURL, true, "http", "https"),
		checkSpan("broker-ack-wait", c.Broker.AckWait, time.Second, time.Hour),
		checkSpan("ingest-lease", c.Ingest.Lease, 3*time.Second, 10*time.Minute),
		checkSpan("ledger-anchor-every", c.Ledger.AnchorEvery, 100*time.Millisecond, time.Hour),
	}
	for _, domain := range slices.Sorted(maps.Keys(c.Ingest.Partitions)) {
		if n := c.Ingest.Partitions[domain]; n < 1 || n > sensors.MaxPartitions {
			faults = append(faults, fmt.Errorf("ingest-partitions: %s is split into 1 to %d, not %d", domain, sensors.MaxPartitions, n))
		}
	}
	if (c.Ledger.TSAURL == "") != (c.Ledger.TSARoots == "") {
		faults = append(faults, errors.New("ledger-tsa-roots: an authority needs its roots, and roots an authority"))
	}
	return errors.Join(faults...)
}

func checkListen(name, addr string) error {
	if _, _, err := net.SplitHostPort(addr); err != nil {
		return fmt.Errorf("%s: %q is not host:port", name, addr)
	}
	return nil
}

func checkURL(name, raw string, mayBeEmpty bool, schemes ...string) error {
	if raw == "" {
		if mayBeEmpty {
			return nil
		}
		return fmt.Errorf("%s: must be set when no engine is started here", name)
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" && (u.Scheme != "unix" || u.Path == "") {
		return fmt.Errorf("%s: not a URL with a host", name) // the text may hold a secret: it is not repeated
	}
	if _, has := u.User.Password(); has {
		return fmt.Errorf("%s: holds a password; put it in a file and name that", name)
	}
	for _, s := range schemes {
		if u.Scheme == s {
			return nil
		}
	}
	return fmt.Errorf("%s: scheme %q is none of %s", name, u.Scheme, strings.Join(schemes, ", "))
}

func checkFile(name, path string) error {
	if path == "" {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return f.Close()
}

func checkName(name, value string) error {
	if value == "" || strings.ContainsAny(value, " \n+/") {
		return fmt.Errorf("%s: %q must not be empty nor hold blanks, + or /", name, value)
	}
	return nil
}

func checkSpan(name string, d, least, most time.Duration) error {
	if d < least || d > most {
		return fmt.Errorf("%s: %s is not between %s and %s", name, d, least, most)
	}
	return nil
}

// configFile is the content of a configuration file as flag names and values: {postgres: {url: …}} is "postgres-url".
type configFile map[string]string

// readConfigFile is kong's loader of configuration files.
func readConfigFile(r io.Reader) (kong.Resolver, error) {
	var tree map[string]any
	if err := yaml.NewDecoder(r).Decode(&tree); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	flat := configFile{}
	flat.add("", tree)
	return flat, nil
}

func (f configFile) add(prefix string, tree map[string]any) {
	for key, value := range tree {
		name := prefix + strings.ReplaceAll(key, "_", "-")
		if sub, ok := value.(map[string]any); ok {
			f.add(name+"-", sub)
			continue
		}
		f[name] = fmt.Sprint(value)
	}
}

// Validate names every setting of the file that there is not.
func (f configFile) Validate(app *kong.Application) error {
	known := map[string]bool{}
	for _, group := range app.AllFlags(false) {
		for _, flag := range group {
			known[flag.Name] = true
		}
	}
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(f)) {
		if !known[name] {
			faults = append(faults, fmt.Errorf("the configuration file sets %q, which there is not", name))
		}
	}
	return errors.Join(faults...)
}

// Resolve gives the file's value of a flag unless a variable sets it, which wins.
func (f configFile) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, env := range flag.Envs {
		if _, set := os.LookupEnv(env); set {
			return nil, nil
		}
	}
	if value, ok := f[flag.Name]; ok {
		return value, nil
	}
	return nil, nil
}
