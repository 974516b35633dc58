// Package stack supervises the engines of a local deployment as child processes: PostgreSQL, the embedded ClickHouse,
// the MQTT broker and a Fabric network. Each has its folder under the data folder, listens on loopback alone, is
// started again when it dies, and dies with us. The service itself never imports this package: it sees URLs.
package stack
