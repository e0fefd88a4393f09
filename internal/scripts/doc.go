// Package scripts tests hannoyctl and hannoy-convert as a user meets them: testdata holds scripts of commands with their
// exit statuses and messages. It is a module of its own, so that what it needs is no dependency of the library.
package scripts
