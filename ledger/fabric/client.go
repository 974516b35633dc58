// Package fabric reaches the chain: it anchors checkpoints through the contract "anchor" and brings back the
// organisations' attestations. It is the only importer of fabric-sdk-go and its protobuf packages, whose names clash
// with those of every newer Fabric library; what it gives to others is free of both.
//
// Three choices make the SDK dependable. Endorsers are the organisations' peers as network.json names them, not what
// discovery finds. A proposal is put to each peer by us, again and again while a peer lags or is away, because the
// SDK's own query gives up with the first failure and a new proposal could not be joined with the old one's answers.
// And the transaction's id is known before anything is sent, so that an outcome lost on the way is found by reading.
package fabric

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/hyperledger/fabric-sdk-go/pkg/client/ledger"
	contextapi "github.com/hyperledger/fabric-sdk-go/pkg/common/providers/context"
	"github.com/hyperledger/fabric-sdk-go/pkg/common/providers/fab"
	"github.com/hyperledger/fabric-sdk-go/pkg/fab/comm"
	"github.com/hyperledger/fabric-sdk-go/pkg/fabsdk"
	"golang.org/x/sync/singleflight"

	"plinth"
	"plinth/ledger/fabric/network"
	"plinth/ledger/sequencer"
)

// Config says which network to use, and how long to wait for it.
type Config struct {
	// Network is the path of the network.json that describes the network.
	Network string
	// State is a folder for the SDK's key store, which stays empty; default is "client" beside Network.
	State string
	// Patience is how long to ask peers again that lag or are away, before a call fails; default 5 s.
	Patience time.Duration
	// Commit is how long to wait for a sent transaction to be committed; default 15 s.
	Commit time.Duration
	// Settle is how long the fate of a sent transaction is still looked up when the wait for it ended; default 2 s.
	Settle time.Duration
	// Discovery has the peers that endorse chosen among those which the channel's discovery service finds alive, where
	// an organisation has several. They must be in network.json for their certificates' sake. Without it, and when
	// discovery gives no answer, the first peer of every organisation endorses.
	Discovery bool
}

// Client is a connection to one channel. It is safe for concurrent use, may be opened while the network is down, and
// recovers by itself when nodes come back.
type Client struct {
	cfg  Config
	net  network.Description
	sdk  *fabsdk.FabricSDK
	log  *slog.Logger
	open singleflight.Group

	mu      sync.Mutex
	session *session
}

var _ sequencer.Chain = (*Client)(nil)

// Open reads the network's description and the client's keys. It does not dial. The SDK writes its log to the logger
// of the process's first Open, at level debug.
func Open(cfg Config, log *slog.Logger) (*Client, error) {
	net, err := network.Read(cfg.Network)
	if err != nil {
		return nil, err
	}
	if cfg.State == "" {
		cfg.State = filepath.Join(filepath.Dir(cfg.Network), "client")
	}
	if err := os.MkdirAll(cfg.State, 0o700); err != nil {
		return nil, fmt.Errorf("fabric client: %w", err)
	}
	cfg.Patience = orDefault(cfg.Patience, 5*time.Second)
	cfg.Commit = orDefault(cfg.Commit, 15*time.Second)
	cfg.Settle = orDefault(cfg.Settle, 2*time.Second)
	backend, err := newBackend(net, cfg.State)
	if err != nil {
		return nil, fmt.Errorf("fabric client: %w", err)
	}
	sdk, err := fabsdk.New(backend.provider, fabsdk.WithLoggerPkg(&sdkLog{log}))
	if err != nil {
		return nil, fmt.Errorf("fabric client: %w", err)
	}
	return &Client{cfg: cfg, net: net, sdk: sdk, log: log}, nil
}

func orDefault(d, def time.Duration) time.Duration {
	if d == 0 {
		return def
	}
	return d
}

// Close ends all connections.
func (c *Client) Close() { c.sdk.Close() }

// session is what is known once the channel's configuration was read from a peer.
type session struct {
	channel    contextapi.Channel
	ledger     *ledger.Client
	membership fab.ChannelMembership
	peers      []fab.Peer    // one per organisation, in the description's order
	own        fab.Peer      // of the client's organisation
	orderers   []fab.Orderer // to which a transaction is sent at once; empty: the SDK chooses one
}

// connect returns the session, reading the channel's configuration on first use. The SDK's way there cannot be
// cancelled, so it runs aside, once for all who wait.
func (c *Client) connect(ctx context.Context) (*session, error) {
	c.mu.Lock()
	s := c.session
	c.mu.Unlock()
	if s != nil {
		return s, nil
	}
	opened := c.open.DoChan("", func() (any, error) {
		s, err := c.newSession()
		if err == nil {
			c.mu.Lock()
			c.session = s
			c.mu.Unlock()
		}
		return s, err
	})
	select {
	case <-ctx.Done():
		return nil, unavailable("the channel's configuration was not read in time", ctx.Err())
	case r := <-opened:
		if r.Err != nil {
			return nil, unavailable("the channel's configuration could not be read", r.Err)
		}
		return r.Val.(*session), nil
	}
}

func (c *Client) newSession() (*session, error) {
	provider := c.sdk.ChannelContext(c.net.Channel, fabsdk.WithUser(sdkUser), fabsdk.WithOrg(c.net.Client.Organisation))
	channel, err := provider()
	if err != nil {
		return nil, err
	}
	s := &session{channel: channel}
	if s.membership, err = channel.ChannelService().Membership(); err != nil {
		return nil, err
	}
	if s.ledger, err = ledger.New(provider); err != nil {
		return nil, err
	}
	if err := c.newOrderers(s); err != nil {
		return nil, err
	}
	for _, o := range c.net.Organisations {
		peer, err := newPeer(channel, o)
		if err != nil {
			return nil, fmt.Errorf("peer of %s: %w", o.Name, err)
		}
		s.peers = append(s.peers, peer)
		if o.Name == c.net.Client.Organisation {
			s.own = peer
		}
	}
	return s, nil
}

func newPeer(channel contextapi.Channel, o network.Organisation) (fab.Peer, error) {
	cfg, err := comm.NetworkPeerConfig(channel.EndpointConfig(), o.Peer.Address)
	if err != nil {
		return nil, err
	}
	return channel.InfraProvider().CreatePeerFromConfig(cfg)
}

// unavailable is the error for a network that does not answer; the cause is for the log.
func unavailable(text string, cause error) error {
	return plinth.Errorf(plinth.ErrUnavailable, "fabric network: %s", text).Because(cause)
}

var errNotYet = errors.New("not yet")
