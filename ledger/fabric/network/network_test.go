package network_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plinth/ledger/fabric/network"
)

func example() network.Description {
	return network.Description{
		Channel: "evidence", Chaincode: "anchor", ChaincodeVersion: "1",
		Client:   network.Client{Organisation: "bureau", Cert: "c.pem", Key: "/keys/k.pem"},
		Orderers: []network.Node{{Address: "127.0.0.1:1", TLSCA: "o.pem"}},
		Organisations: []network.Organisation{
			{Name: "bureau", Title: "数据局", MSP: "BureauMSP", RootCA: "b.pem", Peer: network.Node{Address: "127.0.0.1:2", TLSCA: "bt.pem"}},
			{Name: "overseer", MSP: "OverseerMSP", RootCA: "v.pem", Peer: network.Node{Address: "peer:3", TLSCA: "vt.pem", ServerName: "p"}},
		},
	}
}

func TestReadJoinsRelativePathsToTheFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "network.json")
	if err := network.Write(path, example()); err != nil {
		t.Fatal(err)
	}
	got, err := network.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	want := example()
	want.Client.Cert = filepath.Join(dir, "c.pem")
	want.Orderers[0].TLSCA = filepath.Join(dir, "o.pem")
	for i, name := range []string{"b", "v"} {
		want.Organisations[i].RootCA = filepath.Join(dir, name+".pem")
		want.Organisations[i].Peer.TLSCA = filepath.Join(dir, name+"t.pem")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestReadNamesEveryFault(t *testing.T) {
	d := example()
	d.Channel, d.Client.Key, d.Client.Organisation = "", "", "nobody"
	d.Orderers[0].Address = "nowhere"
	d.Organisations[1].Name, d.Organisations[1].Peer.TLSCA = "bureau", ""
	err := d.Validate()
	for _, want := range []string{"channel", "client.key", "client.organisation", "orderers[0].address", "organisations[1].name", "organisations[1].peer.tlsCA"} {
		if err == nil || !strings.Contains(err.Error(), want+":") {
			t.Errorf("got %v, want a fault of %s", err, want)
		}
	}
}

func TestReadRefusesWhatIsNoDescription(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"empty": "", "list": "[]", "text": "hello", "empty object": "{}"} {
		path := filepath.Join(dir, "network.json")
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := network.Read(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v, want an error that names the file", name, err)
		}
	}
}
