package drill

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	mathrand "math/rand/v2"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"

	"plinth/ledger"
	"plinth/ledger/audit"
)

// editBlock picks a block, alters it and puts it back with all hashes made right again, in it and in the blocks after.
func editBlock(x *export, rng *mathrand.Rand, alter func(*audit.Block) bool) ([]string, bool) {
	frames := slices.Clone(x.frames(audit.BlocksFile))
	n := 1 + rng.IntN(len(frames)-1)
	k, err := audit.ParseBlock(frames[n])
	if err != nil || !alter(k) {
		return nil, false
	}
	for i := n; ; {
		frames[i] = k.Encode()
		hash := k.Hash()
		if i++; i == len(frames) {
			break
		}
		if k, err = audit.ParseBlock(frames[i]); err != nil {
			return nil, false
		}
		k.PreviousHash = hash[:]
	}
	x.putFrames(audit.BlocksFile, frames)
	return []string{fmt.Sprintf("block %d", n)}, true
}

func rehash(k *audit.Block) {
	h := sha256.New()
	for _, e := range k.Envelopes {
		h.Write(e)
	}
	k.DataHash = h.Sum(nil)
}

// validationCode turns a peer's verdict on a transaction around.
func validationCode(x *export, rng *mathrand.Rand) ([]string, bool) {
	return editBlock(x, rng, func(k *audit.Block) bool {
		k.Codes = slices.Clone(k.Codes)
		i := rng.IntN(len(k.Codes))
		if k.Codes[i] == 0 {
			k.Codes[i] = 10 + byte(rng.IntN(3))
		} else {
			k.Codes[i] = 0
		}
		return true
	})
}

// transactionReplaced puts another block's transaction in the place of one, and makes the hashes right.
func transactionReplaced(x *export, rng *mathrand.Rand) ([]string, bool) {
	frames := x.frames(audit.BlocksFile)
	other, err := audit.ParseBlock(frames[1+rng.IntN(len(frames)-1)])
	if err != nil {
		return nil, false
	}
	return editBlock(x, rng, func(k *audit.Block) bool {
		k.Envelopes = slices.Clone(k.Envelopes)
		k.Envelopes[rng.IntN(len(k.Envelopes))] = other.Envelopes[0]
		rehash(k)
		return k.Number != other.Number
	})
}

// transactionDropped leaves a transaction out; a block that had one alone gets the one of the block before.
func transactionDropped(x *export, rng *mathrand.Rand) ([]string, bool) {
	frames := x.frames(audit.BlocksFile)
	return editBlock(x, rng, func(k *audit.Block) bool {
		if len(k.Envelopes) > 1 {
			i := rng.IntN(len(k.Envelopes))
			k.Envelopes = slices.Delete(slices.Clone(k.Envelopes), i, i+1)
			k.Codes = slices.Delete(slices.Clone(k.Codes), i, i+1)
		} else if before, err := audit.ParseBlock(frames[k.Number-1]); err == nil {
			k.Envelopes, k.Codes = before.Envelopes, before.Codes
		}
		rehash(k)
		return true
	})
}

func blocksSwapped(x *export, rng *mathrand.Rand) ([]string, bool) {
	frames := slices.Clone(x.frames(audit.BlocksFile))
	if len(frames) < 3 {
		return nil, false
	}
	n := 1 + rng.IntN(len(frames)-2)
	frames[n], frames[n+1] = frames[n+1], frames[n]
	x.putFrames(audit.BlocksFile, frames)
	return []string{fmt.Sprintf("block %d", n)}, true
}

// chainOlder drops the newest blocks, of which the attestations tell, and has the manifest agree.
func chainOlder(x *export, rng *mathrand.Rand) ([]string, bool) {
	places := x.anchorBlocks()
	if len(places) == 0 {
		return nil, false
	}
	keep := places[rng.IntN(len(places))]
	x.cutBlocks(keep)
	var where []string
	for _, n := range places { // the first that is missed is the first that an attestation names
		if n >= keep {
			where = append(where, fmt.Sprintf("block %d", n))
		}
	}
	return append(where, headNames(x)...), true
}

// headNames are the logs' heads: with too few blocks a head may not be the newest checkpoint any more.
func headNames(x *export) (out []string) {
	for i := range x.manifest.Logs {
		out = append(out, object(&x.manifest.Logs[i], "head on the chain"))
	}
	return out
}

func (x *export) cutBlocks(keep int) {
	x.manifest.Blocks = int64(keep)
	x.putFrames(audit.BlocksFile, x.frames(audit.BlocksFile)[:keep])
}

// anchorBlocks are the numbers of the blocks that hold attested checkpoints, in order.
func (x *export) anchorBlocks() (out []int) {
	for i := range x.manifest.Logs {
		for n := range x.attested(&x.manifest.Logs[i]) {
			if place, ok := x.place(&x.manifest.Logs[i], n); ok {
				out = append(out, place)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// place returns the block that an attestation names.
func (x *export) place(log *audit.LogManifest, n int) (int, bool) {
	a, err := audit.ParseAttested(x.frames(path(log, audit.CheckpointsFile))[n])
	if err != nil {
		return 0, false
	}
	att, err := ledger.ParseAttestation(a.Attestation)
	if err != nil {
		return 0, false
	}
	block, err := audit.AttestedBlock(att)
	return int(block), err == nil
}

// everythingOlder restores an older backup of all: chain, logs and manifest agree with each other.
func everythingOlder(x *export, rng *mathrand.Rand) ([]string, bool) {
	places := x.anchorBlocks()
	if len(places) < 2 {
		return nil, false
	}
	keep := places[len(places)-1-rng.IntN(len(places)/2)]
	for i := range x.manifest.Logs {
		log := &x.manifest.Logs[i]
		last := -1
		for n := range x.attested(log) {
			if place, ok := x.place(log, n); ok && place < keep {
				last = n
			}
		}
		if last >= 0 {
			x.restore(log, last)
		}
	}
	x.cutBlocks(keep)
	return []string{fmt.Sprintf("block %d", keep)}, true
}

// checkpointForged signs another tree with a key made for it and has the folder name that key.
func checkpointForged(x *export, rng *mathrand.Rand) ([]string, bool) {
	log := x.someLog(audit.CheckpointFile, rng)
	if log == nil {
		return nil, false
	}
	entries := slices.Clone(x.entries(log))
	if entries[0] = alteredEntry(entries[0], rng); entries[0] == nil {
		return nil, false
	}
	skey, vkey, err := note.GenerateKey(rand.Reader, log.Name)
	if err != nil {
		return nil, false
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		return nil, false
	}
	root := rootOf(entries)
	signed, err := ledger.Checkpoint{Origin: log.Name, Size: log.Size, Root: root}.Sign(signer)
	if err != nil {
		return nil, false
	}
	x.putTree(log, entries)
	log.Root = root.String()
	x.put(path(log, audit.CheckpointFile), signed)
	if rng.IntN(2) == 0 {
		return []string{object(log, "checkpoint")}, true
	}
	return x.editTrust(func(t *ledger.Trust) { t.LogKeys = append(t.LogKeys, vkey) })
}

// editTrust alters the roots in the folder.
func (x *export) editTrust(alter func(*ledger.Trust)) ([]string, bool) {
	t, err := ledger.ParseTrust(x.files[audit.RootsFile])
	if err != nil {
		return nil, false
	}
	alter(&t)
	b, err := json.MarshalIndent(t, "", "  ")
	x.put(audit.RootsFile, append(b, '\n'))
	return []string{audit.RootsFile}, err == nil
}

// forged is an organisation made up: a root of the right name and a peer under it.
type forged struct {
	root, peer       []byte // DER
	rootKey, peerKey *ecdsa.PrivateKey
}

func forge(msp string) (*forged, error) {
	f := &forged{}
	var err error
	if f.rootKey, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, err
	}
	if f.peerKey, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, err
	}
	from, to := time.Unix(1e9, 0), time.Unix(4e9, 0)
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca." + msp}, NotBefore: from, NotAfter: to,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	if f.root, err = x509.CreateCertificate(rand.Reader, root, root, &f.rootKey.PublicKey, f.rootKey); err != nil {
		return nil, err
	}
	peer := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: from, NotAfter: to, KeyUsage: x509.KeyUsageDigitalSignature,
		Subject: pkix.Name{CommonName: "peer0." + msp, OrganizationalUnit: []string{"peer"}}, BasicConstraintsValid: true}
	f.peer, err = x509.CreateCertificate(rand.Reader, peer, root, &f.peerKey.PublicKey, f.rootKey)
	return f, err
}

// attestationForged has one organisation's signature made by a peer of a root of the same name.
func attestationForged(x *export, rng *mathrand.Rand) ([]string, bool) {
	log := x.someLog(audit.CheckpointsFile, rng)
	if log == nil {
		return nil, false
	}
	frames := slices.Clone(x.frames(path(log, audit.CheckpointsFile)))
	n := rng.IntN(len(frames))
	w, err := audit.ParseAttested(frames[n])
	if err != nil {
		return nil, false
	}
	a, err := ledger.ParseAttestation(w.Attestation)
	if err != nil {
		return nil, false
	}
	e := &a.Endorsements[rng.IntN(len(a.Endorsements))]
	f, err := forge(e.MSP)
	if err != nil {
		return nil, false
	}
	e.Certificate = f.peer
	digest := sha256.Sum256(append(slices.Clone(a.Payload), audit.Identity(e.MSP, f.peer)...))
	if e.Signature, err = ecdsa.SignASN1(rand.Reader, f.peerKey, digest[:]); err != nil {
		return nil, false
	}
	if w.Attestation, err = a.Encode(); err != nil {
		return nil, false
	}
	frames[n], err = w.Encode()
	x.putFrames(path(log, audit.CheckpointsFile), frames)
	return []string{object(log, fmt.Sprintf("attested checkpoint %d", n))}, err == nil
}

// rootReplaced puts a made-up root of the same name into the folder.
func rootReplaced(x *export, rng *mathrand.Rand) ([]string, bool) {
	return x.editTrust(func(t *ledger.Trust) {
		r := &t.Roots[rng.IntN(len(t.Roots))]
		if f, err := forge(r.MSP); err == nil {
			r.PEM = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.root}))
		}
	})
}

// receiptExchanged puts the entry of one receipt into another.
func receiptExchanged(x *export, rng *mathrand.Rand) ([]string, bool) {
	all := x.receipts()
	if len(all) < 2 {
		return nil, false
	}
	i := rng.IntN(len(all))
	j := (i + 1 + rng.IntN(len(all)-1)) % len(all)
	a, errA := ledger.ParseReceipt(x.files[all[i]])
	b, errB := ledger.ParseReceipt(x.files[all[j]])
	if errA != nil || errB != nil {
		return nil, false
	}
	a.Entry = b.Entry
	file, err := a.Encode()
	x.files[all[i]] = file
	return []string{receiptName(all[i])}, err == nil
}
