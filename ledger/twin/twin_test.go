package twin_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/mod/sumdb/note"

	"plinth/ledger/merkle"
	"plinth/ledger/twin"
)

// TestLibraryIsSM3 holds the library to the two examples of GB/T 32905-2016 annex A.
func TestLibraryIsSM3(t *testing.T) {
	for text, want := range map[string]string{
		"abc":                      "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
		strings.Repeat("abcd", 16): "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732",
	} {
		if got := sm3.Sum([]byte(text)); hex.EncodeToString(got[:]) != want {
			t.Errorf("%q: got %x, want %s", text, got, want)
		}
	}
}

// TestLeavesAndNodesHaveTheirPrefix compares with what OpenSSL's SM3 makes of 0x00 and the entry, of 0x01 and two nodes.
func TestLeavesAndNodesHaveTheirPrefix(t *testing.T) {
	for entry, want := range map[string]string{
		"":                       "2daef60e7a0b8f5e024c81cd2ab3109f2b4f155cf83adeb2ae5532f74a157fdf",
		"abc":                    "a7fe0cdcc2194aa7a9c6bfad5637581bf051d935a10bb6a9ccabfce125c27d96",
		strings.Repeat("x", 256): "8992e8876bff8cd8a69a3b4705f4a912c89d01a3417d6d9b7d9678e003beaa60",
	} {
		if got := twin.Leaf([]byte(entry)); hex.EncodeToString(got[:]) != want {
			t.Errorf("leaf of %q: got %x, want %s", entry, got, want)
		}
	}
	a := twin.Hash(bytes.Repeat([]byte("a"), 32))
	if got := twin.Node(a, a); hex.EncodeToString(got[:]) != "e8719c0bea3f6bbb1f21d69b6c6a5450649146064fd0a8da3d4d2cde7e1d3121" {
		t.Errorf("node: got %x", got)
	}
}

// TestProofsHoldInBothDirections makes and checks every proof of trees of up to 40 entries.
func TestProofsHoldInBothDirections(t *testing.T) {
	var leaves []twin.Hash
	var read merkle.Nodes[twin.Hash]
	read = func(level int, n int64) (twin.Hash, error) {
		if level == 0 {
			return leaves[n], nil
		}
		l, _ := read(level-1, 2*n)
		r, err := read(level-1, 2*n+1)
		return twin.Node(l, r), err
	}
	var roots []twin.Hash
	for size := int64(1); size <= 40; size++ {
		leaves = append(leaves, twin.Leaf(bytes.Repeat([]byte{byte(size)}, int(size)*9)))
		root, err := twin.Tree.Root(size, read)
		if err != nil {
			t.Fatal(err)
		}
		roots = append(roots, root)
		for n := range size {
			path, err := twin.Tree.ProveRecord(size, n, read)
			if err != nil || twin.CheckInclusion(path, size, root, n, leaves[n]) != nil {
				t.Fatalf("entry %d under %d", n, size)
			}
			if err := twin.CheckInclusion(path, size, root, n, twin.Leaf([]byte("other"))); !errors.Is(err, merkle.ErrProof) {
				t.Fatalf("another entry at %d under %d: %v", n, size, err)
			}
			proof, err := twin.Tree.ProveTree(size, n+1, read)
			if err != nil || twin.CheckConsistency(proof, size, root, n+1, roots[n]) != nil {
				t.Fatalf("from %d to %d", n+1, size)
			}
			if n+1 < size && twin.CheckConsistency(proof, size, root, n+1, twin.Hash{}) == nil {
				t.Fatalf("from another root of %d to %d", n+1, size)
			}
		}
	}
}

func TestLongEntriesAreHashedAsShortOnes(t *testing.T) {
	for _, n := range []int{0, 1, 255, 256, 319, 320, 321, 65535} {
		entry := bytes.Repeat([]byte{7}, n)
		if want := sm3.Sum(append([]byte{0}, entry...)); twin.Leaf(entry) != twin.Hash(want) {
			t.Errorf("%d bytes", n)
		}
	}
}

const (
	name      = "putuo.plinth/authz/sm3"
	algorithm = "\xffplinth/sm2-with-sm3/v1"
)

// keyText writes a verifier key of any bytes, with the hash that belongs to them.
func keyText(name string, public []byte) string {
	raw := append([]byte(algorithm), public...)
	sum := sha256.Sum256(append([]byte(name+"\n"), raw...))
	return fmt.Sprintf("%s+%x+%s", name, sum[:4], base64.StdEncoding.EncodeToString(raw))
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func keys(t testing.TB) (*twin.Signer, *twin.Verifier) {
	t.Helper()
	skey, vkey, err := twin.GenerateKey(rand.Reader, name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := twin.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	v, err := twin.NewVerifier(vkey)
	if err != nil || s.VerifierKey() != vkey {
		t.Fatal(err)
	}
	return s, v
}

func TestNoteIsSignedAndOpened(t *testing.T) {
	s, v := keys(t)
	signed, err := note.Sign(&note.Note{Text: name + "\n1\nAAAA\n"}, s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := note.Open(signed, note.VerifierList(v)); err != nil {
		t.Error(err)
	}
	if !strings.HasPrefix(string(signed[bytes.Index(signed, []byte("\n\n"))+2:]), "— "+name+" ") {
		t.Errorf("signature line: %s", signed)
	}
	if _, err := note.NewVerifier(s.VerifierKey()); err == nil {
		t.Error("x/mod takes the key for one of its own")
	}
}

func TestSameTextIsSignedTheSameWay(t *testing.T) {
	s, v := keys(t)
	seen := map[string]bool{}
	for i := range 20 {
		msg := []byte{byte(i)}
		first, err := s.Sign(msg)
		if err != nil || !v.Verify(msg, first) {
			t.Fatal(err)
		}
		for range 8 { // the library draws a byte at random, half of the times
			if again, err := s.Sign(msg); err != nil || !bytes.Equal(first, again) {
				t.Fatalf("text %d is signed differently: %v", i, err)
			}
		}
		if seen[string(first[:32])] {
			t.Fatal("two texts share their r")
		}
		seen[string(first[:32])] = true
	}
}

// TestStandardSignatureIsAccepted is the example of GB/T 32918.5-2017 annex A.2: "message digest" with the default
// identity.
func TestStandardSignatureIsAccepted(t *testing.T) {
	const (
		d   = "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8"
		x   = "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
		y   = "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
		sig = "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3" +
			"B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"
	)
	v, err := twin.NewVerifier(keyText(name, unhex(t, "04"+x+y)))
	if err != nil {
		t.Fatal(err)
	}
	msg := []byte("message digest")
	if !v.Verify(msg, unhex(t, sig)) {
		t.Error("the standard's own signature is refused")
	}
	s, err := twin.NewSigner("PRIVATE+KEY+" + strings.Join([]string{name, strings.Split(keyText(name, unhex(t, "04"+x+y)), "+")[1],
		base64.StdEncoding.EncodeToString(append([]byte(algorithm), unhex(t, d)...))}, "+"))
	if err != nil {
		t.Fatal(err)
	}
	if own, err := s.Sign(msg); err != nil || !v.Verify(msg, own) {
		t.Errorf("our signature with the standard's key is refused: %v", err)
	}
}

func TestBentSignaturesAreRefused(t *testing.T) {
	s, v := keys(t)
	msg := []byte("text\n")
	sig, err := s.Sign(msg)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 8 * len(sig) {
		bent := bytes.Clone(sig)
		bent[i/8] ^= 1 << (i % 8)
		if v.Verify(msg, bent) {
			t.Errorf("bit %d flipped: accepted", i)
		}
	}
	for name, bad := range map[string][]byte{"empty": nil, "short": sig[:63], "long": append(bytes.Clone(sig), 0),
		"zero": make([]byte, 64), "ones": bytes.Repeat([]byte{0xff}, 64)} {
		if v.Verify(msg, bad) {
			t.Errorf("%s: accepted", name)
		}
	}
	if v.Verify([]byte("other\n"), sig) {
		t.Error("of another text: accepted")
	}
	if _, other := keys(t); other.Verify(msg, sig) {
		t.Error("by another key: accepted")
	}
}

func TestMalformedKeysAreRefused(t *testing.T) {
	skey, vkey, err := twin.GenerateKey(rand.Reader, name)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := twin.GenerateKey(rand.Reader, "a b"); err == nil {
		t.Error("a name with a space was taken")
	}
	parts := strings.Split(vkey, "+")
	offCurve, _ := base64.StdEncoding.DecodeString(strings.Join(parts[2:], "+"))
	offCurve[len(offCurve)-1] ^= 1
	for what, bad := range map[string]string{
		"empty": "", "name alone": name, "signer key": skey, "upper case": parts[0] + "+" + strings.ToUpper(parts[1]) + "x+" + parts[2],
		"other hash": parts[0] + "+00000000+" + strings.Join(parts[2:], "+"), "other name": "x" + vkey, "cut": vkey[:len(vkey)-4],
		"newline": vkey + "\n", "ed25519": "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
		"off the curve": keyText(name, offCurve[len(algorithm):]), "compressed": keyText(name, append([]byte{2}, offCurve[len(algorithm)+1:][:32]...)),
	} {
		if _, err := twin.NewVerifier(bad); err == nil {
			t.Errorf("verifier key, %s: accepted", what)
		}
	}
	for what, bad := range map[string]string{"empty": "", "verifier key": vkey, "cut": skey[:len(skey)-4], "no prefix": skey[12:],
		"zero": "PRIVATE+KEY+" + name + "+00000000+" + base64.StdEncoding.EncodeToString(append([]byte(algorithm), make([]byte, 32)...))} {
		if _, err := twin.NewSigner(bad); err == nil {
			t.Errorf("signer key, %s: accepted", what)
		}
	}
}

func FuzzVerifierKey(f *testing.F) {
	_, vkey, err := twin.GenerateKey(rand.Reader, name)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(vkey)
	f.Add("a+00000000+")
	f.Fuzz(func(t *testing.T, text string) {
		v, err := twin.NewVerifier(text)
		if err == nil && (v.Name() == "" || v.Verify([]byte("x"), make([]byte, 64))) {
			t.Errorf("%q", text)
		}
	})
}

func BenchmarkLeaf(b *testing.B) {
	entry := make([]byte, 256)
	for b.Loop() {
		twin.Leaf(entry)
	}
}

func BenchmarkNode(b *testing.B) {
	var h twin.Hash
	for b.Loop() {
		h = twin.Node(h, h)
	}
}

func BenchmarkVerify(b *testing.B) {
	s, v := keys(b)
	sig, err := s.Sign([]byte("text"))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if !v.Verify([]byte("text"), sig) {
			b.Fatal("refused")
		}
	}
}
