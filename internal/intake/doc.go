// Package intake bounds what callers can make a server hold before it knows what
// they want: connections, in all and from one source, and the bytes of requests
// that are not complete. It knows no protocol and decides nothing about requests.
package intake
