// Package rpc is the native dialect of the API: gRPC handlers, the REST gateway
// over them, conversion between records and messages, the only table from reason
// to code, and forwarding to the leader.
//
// A call goes: codec → route (local, or one hop to the leader) → intercept
// (validation, metrics, error mapping, recovery) → handler (convert) → one
// function of package control on the writer, or one read of a View → convert.
// REST enters at the route, over an in-process channel, so both have the same
// behaviour.
//
// It decides nothing about capacity and keeps no state of its own but the
// connections to other nodes and the newest events, encoded once for all who
// watch.
package rpc
