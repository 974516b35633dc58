package clickhouse

// ServerStatements are what makes a scope on a server.
var ServerStatements = serverStatements
