package client

import "syscall"

// The numbers that Windows Sockets gives (winsock2.h); package syscall's own of these names are made up on Windows.
const (
	wsaEMSGSIZE     syscall.Errno = 10040
	wsaENETDOWN     syscall.Errno = 10050
	wsaENETUNREACH  syscall.Errno = 10051
	wsaECONNRESET   syscall.Errno = 10054 // an ICMP port unreachable came back (WSARecvFrom)
	wsaENOBUFS      syscall.Errno = 10055
	wsaECONNREFUSED syscall.Errno = 10061
	wsaEHOSTDOWN    syscall.Errno = 10064
	wsaEHOSTUNREACH syscall.Errno = 10065
	wsaEWOULDBLOCK  syscall.Errno = 10035
)

func isTooBig(e syscall.Errno) bool { return e == wsaEMSGSIZE || e == syscall.EMSGSIZE }

func isRefusal(e syscall.Errno) bool {
	return e == wsaECONNREFUSED || e == wsaECONNRESET || e == syscall.ECONNREFUSED
}

func isNoWay(e syscall.Errno) bool {
	switch e {
	case wsaENETUNREACH, wsaEHOSTUNREACH, wsaENETDOWN, wsaEHOSTDOWN, syscall.ENETUNREACH, syscall.EHOSTUNREACH:
		return true
	}
	return false
}

func isPassing(e syscall.Errno) bool {
	return e == wsaENOBUFS || e == wsaEWOULDBLOCK || e == syscall.ENOBUFS || e == syscall.EAGAIN
}
