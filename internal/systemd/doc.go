// Package systemd speaks to the service manager as sd_listen_fds(3) and sd_notify(3) do: it takes the sockets that the process was started with,
// and tells how the process fares. Without a service manager it does nothing.
package systemd
