// Package fabric brings up a local Hyperledger Fabric network as plain processes: one orderer, and two organisations
// with a peer and a chaincode process each. Containers are not needed and every listener is on loopback.
//
//	Prepare writes keys, genesis block and configuration into a folder, once, and returns the processes to run;
//	Join, with the processes up, joins the channel and commits the contract, or finds that done.
//
// It runs Fabric's own programs and imports none of Fabric's packages. The network it describes in network.json is
// used through package ledger/fabric.
package fabric
