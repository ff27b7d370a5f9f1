// Package webhook delivers notices over HTTP: a CloudEvents 1.0 event in
// structured JSON, signed by the rules of Standard Webhooks.
//
// It trusts no receiver: no redirect is followed, no proxy of the environment is
// used, little is read of what is answered and none of it is shown, and one
// attempt takes no longer than its time-out. It must never log or answer a
// secret, nor a URL, which may hold one.
package webhook
