package fabric

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Version is the release of Fabric that deploy/fabric/go.mod pins.
const Version = "3.1.1"

// programs are Fabric's own, built by `make fabric`.
var programs = []string{"peer", "orderer", "cryptogen", "configtxgen", "osnadmin"}

// Binaries tells where the programs are.
type Binaries struct {
	Dir       string // folder of Fabric's programs
	Chaincode string // plinth-chaincode
}

// FindBinaries looks where the Makefile puts them. $PLINTH_FABRIC_BIN names another folder of Fabric's programs,
// $PLINTH_CHAINCODE another chaincode program. It does not say whether they are there; Prepare does.
func FindBinaries() Binaries {
	b := Binaries{Dir: os.Getenv("PLINTH_FABRIC_BIN"), Chaincode: os.Getenv("PLINTH_CHAINCODE")}
	if b.Dir == "" {
		b.Dir = filepath.Join(cacheDir(), "plinth", "fabric-"+Version)
	}
	if b.Chaincode == "" {
		b.Chaincode = findChaincode()
	}
	return b
}

func cacheDir() string {
	if dir, err := os.UserCacheDir(); err == nil {
		return dir
	}
	return os.TempDir()
}

// findChaincode looks beside the running program, then in bin/ here and in the folders above.
func findChaincode() string {
	const name = "plinth-chaincode"
	if exe, err := os.Executable(); err == nil {
		if beside := filepath.Join(filepath.Dir(exe), name); isProgram(beside) {
			return beside
		}
	}
	wd, err := os.Getwd()
	for dir := wd; err == nil; dir = filepath.Dir(dir) {
		if built := filepath.Join(dir, "bin", name); isProgram(built) {
			return built
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	return filepath.Join("bin", name)
}

func (b Binaries) program(name string) string { return filepath.Join(b.Dir, name) }

// check names all that is missing, and the ways out.
func (b Binaries) check() error {
	var missing []string
	for _, p := range programs {
		if !isProgram(b.program(p)) {
			missing = append(missing, p)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("fabric %s: %s not found in %s; build them with `make fabric`, name their folder in "+
			"PLINTH_FABRIC_BIN, or configure an existing network by the path of its network.json",
			Version, strings.Join(missing, ", "), b.Dir)
	}
	if !isProgram(b.Chaincode) {
		return fmt.Errorf("chaincode program not found at %s; build it with `make chaincode`, name it in PLINTH_CHAINCODE, "+
			"or configure an existing network by the path of its network.json", b.Chaincode)
	}
	return nil
}

func isProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}
