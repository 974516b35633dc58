package audit

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"

	"plinth/ledger"
)

// Codes are the verdicts of a peer on a transaction that the replay comes to itself (peer.TxValidationCode).
const (
	codeValid        = 0
	codeBadPayload   = 2
	codeBadCreator   = 4
	codeBadTxID      = 8
	codeDuplicate    = 9
	codeNotEndorsed  = 10
	codeReadConflict = 11
	codeUnknownType  = 13
)

// lifecycle is the namespace of chaincode definitions. Its own policies are not judged, only signatures and versions.
const lifecycle = "_lifecycle"

// chainAudit walks the blocks in order. Its exported fields are what a later audit goes on from.
type chainAudit struct {
	policy  ledger.Policy
	given   []*x509.Certificate // roots of the orderers that the auditor trusts
	members *members
	config  *channelConfig
	report  *ChainReport
	skipped *skips

	height     uint64 // the next block's number
	previous   []byte // hash of the newest block's header
	commitHash []byte
	state      State
	ids        map[txID]bool // of all transactions
	configAt   []byte        // body of the newest configuration transaction
}

func newChainAudit(p ledger.Policy, given []*x509.Certificate, r *ChainReport, s *skips) *chainAudit {
	c := &chainAudit{policy: p, given: given, members: newMembers(p.At), report: r, skipped: s, state: State{},
		ids: map[txID]bool{}}
	r.Channel = p.Channel
	return c
}

// block checks the next block and replays it.
func (c *chainAudit) block(raw []byte) error {
	name := fmt.Sprintf("block %d", c.height)
	k, err := ParseBlock(raw)
	if err != nil {
		return bad(StageChain, name, "%v", err)
	}
	if k.Number != c.height {
		return bad(StageChain, name, "its number is %d", k.Number)
	}
	if !bytes.Equal(k.PreviousHash, c.previous) {
		return bad(StageChain, name, "it does not follow the block before: the previous hash is another")
	}
	if err := k.checkData(); err != nil {
		return c.narrow(k, err)
	}
	if c.height > 0 {
		if err := c.checkOrderers(k); err != nil {
			return bad(StageChain, name, "orderer's signature: %v", err)
		}
	}
	if err := c.transactions(k); err != nil {
		return err
	}
	hash := k.Hash()
	c.height, c.previous = c.height+1, hash[:]
	c.report.Blocks, c.report.Head = int64(c.height), hexOf(hash)
	return nil
}

// narrow looks in a block whose data are not what the header says for the transaction that was altered.
func (c *chainAudit) narrow(k *Block, err error) error {
	for i, e := range k.Envelopes {
		t, parseErr := parseTransaction(e)
		if parseErr != nil {
			return bad(StageChain, k.tx(i), "%v; %v", parseErr, err)
		}
		if k.Number == 0 {
			continue
		}
		if v := c.judge(t); v.code != codeValid && int(k.Codes[i]) != v.code {
			return bad(StageChain, v.object(k.tx(i)), "%s; %v", v.reason, err)
		}
	}
	return bad(StageChain, k.name(), "%v", err)
}

// checkOrderers checks that enough orderers signed the block's header and what they say beside it.
func (c *chainAudit) checkOrderers(k *Block) error {
	header := k.HeaderBytes()
	signed := map[string]bool{}
	for _, s := range k.Signatures.Signatures {
		id, err := c.orderer(s)
		if err != nil {
			return err
		}
		if err := id.verify(s.Signature, k.Signatures.Value, s.Header, s.Identifier, header); err != nil {
			return fmt.Errorf("of %s: %w", id.msp, err)
		}
		c.report.Signatures++
		signed[string(id.cert.Raw)] = true
	}
	if len(signed) < c.config.quorum() || len(signed) < len(k.Signatures.Signatures) {
		return fmt.Errorf("%d orderers signed, want %d", len(signed), c.config.quorum())
	}
	return nil
}

func (c *chainAudit) orderer(s ordererSignature) (*identity, error) {
	creator, nonce := []byte(nil), []byte(nil)
	if len(s.Identifier) > 0 {
		var n uint64
		if err := message("identifier header", s.Identifier, takes{1: &n, 2: &nonce}); err != nil {
			return nil, err
		}
		if creator = c.config.consenter[n]; creator == nil {
			return nil, fmt.Errorf("there is no orderer %d", n)
		}
	} else if err := message("signature header", s.Header, takes{1: &creator, 2: &nonce}); err != nil {
		return nil, err
	}
	id, err := c.members.identify(creator)
	if err != nil {
		return nil, err
	}
	if c.config.orderers[id.msp] == nil || !id.has("orderer") {
		return nil, fmt.Errorf("the signer of %s is no orderer", id.msp)
	}
	return id, nil
}

// transactions judges each transaction, compares the verdict with the one in the block, and replays the valid ones.
func (c *chainAudit) transactions(k *Block) error {
	changed := updates{}
	for i, e := range k.Envelopes {
		c.report.Transactions++
		t, err := parseTransaction(e)
		v := verdict{codeBadPayload, "", fmt.Sprint(err)}
		if err == nil && t.kind == kindConfig {
			v, err = c.configure(k, t)
		} else if err == nil {
			v, err = c.judge(t), nil
		}
		if recorded := int(k.Codes[i]); recorded != v.code && !v.tolerates(recorded) {
			return c.contradiction(k, i, v, recorded)
		}
		if t != nil && t.id != "" {
			c.ids[short(t.id)] = true
		}
		if err == nil && int(k.Codes[i]) == codeValid && t.kind == kindEndorser {
			c.state.apply(t.action.sets, k.Number, uint64(i))
			changed.add(t.action.sets, uint64(i))
		}
	}
	return c.checkCommitHash(k, changed)
}

func (c *chainAudit) contradiction(k *Block, i int, v verdict, recorded int) error {
	if v.code == codeValid {
		return bad(StageChain, k.tx(i), "its validation code is %d, the replay finds it valid", recorded)
	}
	return bad(StageChain, v.object(k.tx(i)), "%s; the block's validation code is %d", v.reason, recorded)
}

func (c *chainAudit) checkCommitHash(k *Block, changed updates) error {
	if k.Number == 0 {
		if len(k.CommitHash) > 0 {
			return bad(StageChain, k.name(), "the first block has a commit hash")
		}
		return nil
	}
	c.commitHash = changed.commitHash(k.Codes, k.Number, c.commitHash)
	if !bytes.Equal(c.commitHash, k.CommitHash) {
		return bad(StageChain, k.name(), "the replay comes to another commit hash than the peer")
	}
	return nil
}

// configure takes over a configuration transaction: the first is the channel's birth and is compared with the roots
// that the auditor trusts; that a later one was allowed is the orderers' word.
func (c *chainAudit) configure(k *Block, t *transaction) (verdict, error) {
	if t.channel != c.policy.Channel {
		return verdict{codeBadPayload, "", fmt.Sprintf("it is of the channel %.64q", t.channel)}, errors.New("other channel")
	}
	config, err := parseConfig(t.data)
	if err != nil {
		return verdict{codeBadPayload, "", err.Error()}, err
	}
	if err := c.adopt(config); err != nil {
		return verdict{codeBadPayload, "", err.Error()}, err
	}
	if k.Number > 0 {
		c.skipped.add(NotConfigUpdates, 1)
	}
	c.configAt = t.data
	return verdict{}, nil
}

// adopt compares a configuration's organisations with the policy's roots and makes it the one that counts.
func (c *chainAudit) adopt(config *channelConfig) error {
	for _, org := range c.policy.Orgs {
		if !sameRoots(config.orgs[org], c.policy.Roots[org]) {
			return fmt.Errorf("the configuration names other root certificates of %s than the auditor trusts", org)
		}
	}
	for msp, roots := range config.orderers {
		if len(c.given) > 0 && !sameRoots(roots, c.given) {
			return fmt.Errorf("the configuration names other root certificates of %s than the auditor trusts", msp)
		}
	}
	c.config, c.members = config, newMembers(c.policy.At)
	for _, of := range []map[string][]*x509.Certificate{config.orgs, config.orderers} {
		for msp, roots := range of {
			if own := c.policy.Roots[msp]; len(own) > 0 {
				roots = own
			}
			c.members.trust(msp, roots)
		}
	}
	return nil
}

// verdict is what the replay thinks of a transaction: the code, whose part is at fault, and why.
type verdict struct {
	code   int
	part   string
	reason string
}

func (v verdict) object(tx string) string {
	if v.part == "" {
		return tx
	}
	return tx + ": " + v.part
}

// lifecycleUnjudged marks a valid transaction of which the policy was not judged.
const lifecycleUnjudged = "lifecycle"

// tolerates tells whether another recorded code is possible because a policy was not judged.
func (v verdict) tolerates(recorded int) bool {
	return v.code == codeValid && v.part == lifecycleUnjudged && recorded == codeNotEndorsed
}

// judge comes to the verdict on an endorser transaction as every honest peer must.
func (c *chainAudit) judge(t *transaction) verdict {
	if t.kind != kindEndorser {
		return verdict{codeUnknownType, "", fmt.Sprintf("there is no kind %d of transaction", t.kind)}
	}
	if t.channel != c.policy.Channel {
		return verdict{codeBadPayload, "", fmt.Sprintf("it is of the channel %.64q", t.channel)}
	}
	creator, err := c.members.identify(t.creator)
	if err == nil {
		err = creator.verify(t.signature, t.payload)
	}
	if err != nil {
		return verdict{codeBadCreator, "signature of the sender", err.Error()}
	}
	c.report.Signatures++
	if err := t.checkID(); err != nil {
		return verdict{codeBadTxID, "", err.Error()}
	}
	if c.ids[short(t.id)] {
		return verdict{codeDuplicate, "", "its id was used before"}
	}
	if err := t.action.checkProposal(); err != nil {
		return verdict{codeNotEndorsed, "proposal", err.Error()}
	}
	if v := c.judgeEndorsements(t); v.code != codeValid {
		return v
	}
	if !c.state.fresh(t.action.sets) {
		return verdict{codeReadConflict, "read set", "what it read was changed before it was committed"}
	}
	return c.allowance(t)
}

// allowance notes what of a valid transaction was not judged.
func (c *chainAudit) allowance(t *transaction) verdict {
	for _, n := range t.action.sets {
		if n.ranges > 0 {
			c.skipped.add(NotRangeQueries, int64(n.ranges))
		}
		if n.metas > 0 {
			c.skipped.add(NotKeyPolicies, int64(n.metas))
		}
	}
	if t.chaincode == lifecycle {
		c.skipped.add(NotLifecycle, 1)
		return verdict{codeValid, lifecycleUnjudged, ""}
	}
	return verdict{}
}

// judgeEndorsements checks every endorsement, and that of each organisation which the policy requires there is one.
func (c *chainAudit) judgeEndorsements(t *transaction) verdict {
	signed := map[string]bool{}
	for _, e := range t.action.endorsements {
		msp, err := c.judgeEndorsement(t, e)
		if err != nil {
			return verdict{codeNotEndorsed, "endorsement of " + cmp.Or(msp, "an unknown organisation"), err.Error()}
		}
		signed[msp] = true
	}
	if t.chaincode == lifecycle && len(signed) > 0 {
		return verdict{}
	}
	for _, org := range c.policy.Orgs {
		if !signed[org] {
			return verdict{codeNotEndorsed, "endorsement of " + org, "is required and missing"}
		}
	}
	return verdict{}
}

func (c *chainAudit) judgeEndorsement(t *transaction, e endorsement) (msp string, err error) {
	var text []byte
	if err := message("identity", e.endorser, takes{1: &msp, 2: &text}); err != nil {
		return "", err
	}
	id, err := c.members.identify(e.endorser)
	if err != nil {
		return msp, err
	}
	if !id.has("peer") {
		return msp, errors.New("the signer is no peer")
	}
	if c.config.orgs[msp] == nil {
		return msp, errors.New("it is no organisation of the channel")
	}
	c.report.Signatures++
	return msp, id.verify(e.signature, t.action.response, e.endorser)
}

// txID is the first half of a transaction's id, which is a hash: enough to find one again.
type txID [16]byte

func short(id string) (t txID) {
	sum := sha256.Sum256([]byte(id))
	return txID(sum[:16])
}

// contract returns the contract's state.
func (c *chainAudit) contract() map[string]Value { return c.state[c.policy.Chaincode] }
