#!/bin/sh
# The test command of the README. It passes on a fresh machine that has Go 1.26 and a network.
#
#   ./test.sh             everything that has to hold before a change is merged
#   ./test.sh quick       go vet and go test, with go's cache
#   ./test.sh STEP...     only these, one after the other: format modules vet lint test race cross fuzz
#
# Tests wait a good deal, for other programs and for the network. So in a whole run the steps that only compute (lint, cross, fuzz) run beside them, with
# less right to the processors, and tell what they have to tell at the end.
#
# Beyond Go the tests want python3, socat, nc (OpenBSD's), ncat, tshark, tcpdump, ip and tc (iproute2), nft, strace, gcc, and two
# programs of systemd's, which need not run. As root on Debian or Ubuntu what is missing is installed with apt-get;
# elsewhere it is named, and the tests that want it skip. With CI=true nothing may be missing. Tests of network
# namespaces want root.
#
#   FUZZTIME=1s           how long each fuzz target runs
#
# The last line counts Go tests, each once however often it ran: "N passed, N failed, N skipped". A check that is no Go
# test and fails is counted as one failed. The exit status is 0 only when nothing failed.
set -u
cd "$(dirname "$0")" || exit 1
PATH="$PATH:/usr/local/go/bin:/usr/sbin:/sbin"
export PATH
CI="${CI:-}"
[ "$CI" != false ] || CI=
export CI
FUZZTIME="${FUZZTIME:-1s}"

# Without its folder's name in it, what was compiled in one clone is found in go's cache by the next.
GOFLAGS="$(go env GOFLAGS 2>/dev/null) -trimpath"
export GOFLAGS

scratch=$(mktemp -d) || exit 1
book="${BESIDE:-$scratch/book}" # BESIDE: this is the second half of a whole run, whose book it is
beside=''
: >"$book"
started=$(date +%s)

# ---- what the tests want beyond Go -----------------------------------------------------------------------------------

# tool:package, as Debian calls it
wanted="python3:python3 socat:socat nc:netcat-openbsd ncat:ncat tshark:tshark tcpdump:tcpdump ip:iproute2 strace:strace gcc:gcc tc:iproute2 nft:nftables systemd-analyze:systemd systemd-socket-activate:systemd"

# Sets absent (tools) and packages.
look() {
	absent='' packages=''
	for pair in $wanted; do
		if ! have "${pair%%:*}"; then
			absent="$absent ${pair%%:*}"
			packages="$packages ${pair#*:}"
		fi
	done
	# gcc alone cannot link.
	case "$packages" in *gcc*) packages="$packages libc6-dev" ;; esac
}

have() {
	command -v "$1" >/dev/null 2>&1 || return 1
	# There are several netcats; the tests speak OpenBSD's options.
	[ "$1" != nc ] || nc -h 2>&1 | grep -q OpenBSD
}

tools() {
	look
	[ -n "$absent" ] || { echo "all there: $(names)"; return 0; }
	if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 && [ "$quick" = no ]; then
		echo "installing with apt-get:$packages"
		apt_get update && apt_get install -y --no-install-recommends $packages
		look
		[ -n "$absent" ] || return 0
	fi
	echo "missing:$absent"
	if command -v apt-get >/dev/null 2>&1; then
		echo "get it with: sudo apt-get install$packages"
	else
		echo "get it with your package manager (Debian's names:$packages)"
	fi
	[ -z "$CI" ] || return 1
	echo "going on without: tests that want it skip"
}

apt_get() {
	DEBIAN_FRONTEND=noninteractive apt-get -q "$@" </dev/null >"$scratch/apt" 2>&1 || { tail -n 20 "$scratch/apt"; return 1; }
}

names() { for pair in $wanted; do printf '%s ' "${pair%%:*}"; done; }

# ---- the steps -------------------------------------------------------------------------------------------------------

format() {
	unformatted=$("$(go env GOROOT)/bin/gofmt" -s -l .) || return 1
	[ -z "$unformatted" ] || { echo "$unformatted"; return 1; }
}

modules() { go mod tidy -diff && go mod verify; }

vet() { go vet ./...; }

# Once as this system sees the files, once as the others do: the arrows hold in x_other.go as well. What only Linux
# uses may stand in a file for all.
lint() {
	linter=$(go tool -modfile=tools.mod -n golangci-lint) || return 1
	"$linter" run ./... && GOOS=darwin CGO_ENABLED=0 "$linter" run --disable unused ./...
}

# What the tests talk to is no input that go's cache could know of, so they run again each time. Three packages at a time, because they wait.
# vet has its own step, or is part of the linter's.
tests() { tally -vet=off -count=1 -shuffle=on -p 3 -timeout=240s ./...; }

cached_tests() { tally -vet=off -timeout=180s ./...; }

# Without the packages that start no goroutine and are used by one at a time. A test in which the race detector has nothing to find leaves itself out and
# says why (testnet.NotUnderRace); one that can be shorter is (testing.Short).
race() {
	command -v gcc >/dev/null 2>&1 || { echo "left out: the race detector needs gcc"; return 0; }
	CGO_ENABLED=1 tally -race -short -vet=off -count=1 -p 3 -timeout=240s $(go list ./... | grep -vE '/(wire|wire/(app|filter|pair|pcapfile)|internal/(arch|ascii|capturebench|peers|prove|terminal)|scripts/tally)$')
}

# The command is linked for each system, and the result thrown away. vet compiles the tests too: on darwin the linter's second run does, and on
# linux/arm64 nothing differs but assembly.
cross() {
	assembly=$(go list -f '{{if .SFiles}}{{.ImportPath}}{{end}}' ./...) || return 1
	cross_one linux arm64 "$assembly" && cross_one darwin arm64 "$assembly" && cross_one windows amd64 ./... && cross_one freebsd amd64 ./...
}

# cross_one GOOS GOARCH PACKAGES-TO-VET
cross_one() (
	echo "$1/$2"
	export GOOS="$1" GOARCH="$2" CGO_ENABLED=0
	go vet $3 && go build -buildvcs=false -o "$scratch/bin/" ./cmd/dgram && rm -rf "$scratch/bin"
)

fuzz() {
	go list -f '{{$p := .}}{{range .TestGoFiles}}{{$p.ImportPath}} {{$p.Dir}}/{{.}}{{"\n"}}{{end}}{{range .XTestGoFiles}}{{$p.ImportPath}} {{$p.Dir}}/{{.}}{{"\n"}}{{end}}' ./... >"$scratch/list" || return 1
	awk '{ file = substr($0, length($1) + 2)
	       while ((getline line <file) > 0) if (match(line, /^func Fuzz[A-Za-z0-9_]*/)) print $1, substr(line, 6, RLENGTH - 5)
	       close(file) }' "$scratch/list" >"$scratch/targets"
	[ -s "$scratch/targets" ] || { echo "no fuzz target was found"; return 1; }
	pids='' failed=0
	for queue in 0 1; do
		awk -v queue=$queue '$1 != package { package = $1; n++ } n % 2 == queue' "$scratch/targets" >"$scratch/targets.$queue"
		fuzz_queue "$scratch/targets.$queue" >"$scratch/fuzzed.$queue" 2>&1 &
		pids="$pids $!"
	done
	for pid in $pids; do wait "$pid" || failed=1; done
	for queue in 0 1; do
		cat "$scratch/fuzzed.$queue"
		cat "$scratch/targets.$queue.book" >>"$book"
	done
	[ $failed = 0 ] || return 1
	echo "$(wc -l <"$scratch/targets") targets, $FUZZTIME each"
}

# Every other package's targets, one after the other, with a book of its own: two such queues run side by side, a processor each.
fuzz_queue() {
	book="$1.book"
	: >"$book"
	while read -r package target; do
		fuzz_one "$package" "$target" "$1" || return 1
	done <"$1"
}

# Go's fuzzer now and then reports its own deadline as a failure of the target (context deadline exceeded). Only that,
# and only without a failing input, is tried again, at most twice.
fuzz_one() {
	printf '%-32s %s\n' "$2" "$1"
	cp "$book" "$3.before"
	for try in 1 2 3; do
		cp "$3.before" "$book"
		fuzz_run "$1" "$2" >"$3.out" 2>&1 && return 0
		grep -q 'context deadline exceeded' "$3.out" && ! grep -q 'Failing input written' "$3.out" || break
	done
	cat "$3.out"
	return 1
}

fuzz_run() { tally -vet=off -run '^$' -fuzz "^$2\$" -fuzztime "$FUZZTIME" -fuzzminimizetime 5s -parallel 1 "$1"; }

tally() {
	[ -x "$scratch/tally" ] || go build -buildvcs=false -o "$scratch/tally" ./scripts/tally || return 1
	"$scratch/tally" "$book" "$@" </dev/null
}

# ---- running them ----------------------------------------------------------------------------------------------------

# step TITLE COMMAND WHAT-TO-DO
step() {
	printf '\n== %s\n' "$1"
	since=$(date +%s)
	if "$2"; then
		echo "   $(($(date +%s) - since)) s"
		return 0
	fi
	printf '\n** %s failed. %s\n' "$1" "$3"
	# A failure that no Go test is to blame for has to show in the count.
	grep -q '^fail' "$book" || printf 'fail\t%s\t(check)\n' "$1" >>"$book"
	exit 1
}

close_books() {
	status=$?
	trap - EXIT
	[ -z "$beside" ] || kill "$beside" 2>/dev/null # this half was interrupted
	if [ -n "${BESIDE:-}" ]; then
		rm -rf "$scratch"
		exit $status
	fi
	printf '\n%d s\n' $(($(date +%s) - started))
	awk -F '\t' '
		{ key = $2 FS $3 }
		$1 == "fail" || fate[key] == "" || (fate[key] == "skip" && $1 == "pass") { if (fate[key] != "fail") fate[key] = $1 }
		END { for (key in fate) n[fate[key]]++
		      printf "%d passed, %d failed, %d skipped\n", n["pass"], n["fail"], n["skip"] }' "$scratch"/book*
	rm -rf "$scratch"
	exit $status
}
trap close_books EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

run() {
	case "$1" in
	tools) step 'tools' tools 'Install what is missing and try again.' ;;
	format) step 'gofmt' format 'Format these files: gofmt -s -w .' ;;
	modules) step 'go.mod and go.sum' modules 'Let go put them in order: go mod tidy' ;;
	vet) step 'go vet' vet 'Each line above names a file and what is wrong in it.' ;;
	lint) step 'golangci-lint: staticcheck, doc comments, the arrows between packages' lint \
		'Each line above says what is wrong. The first run needs a minute or two to build the linter.' ;;
	test) step 'go test' tests 'The tests that failed are shown above; run one alone: go test -run NAME ./PACKAGE' ;;
	cached) step 'go test' cached_tests 'The tests that failed are shown above; run one alone: go test -run NAME ./PACKAGE' ;;
	race) step 'go test -race' race 'Run it alone: go test -race -run NAME ./PACKAGE' ;;
	cross) step 'cross-builds, with their tests' cross 'Try it yourself: GOOS=... GOARCH=... go vet ./...' ;;
	fuzz) step "fuzz, $FUZZTIME a target" fuzz \
		'The input that failed is in testdata/fuzz of the package: mend the code, and commit the input as a test.' ;;
	*)
		echo "$1 is no step; there are: quick format modules vet lint test race cross fuzz" >&2
		printf 'fail\t%s\t(check)\n' "$1" >>"$book"
		exit 2
		;;
	esac
}

if ! command -v go >/dev/null 2>&1; then
	echo "go is missing: get Go 1.26 or newer from https://go.dev/dl/" >&2
	printf 'fail\tgo\t(check)\n' >>"$book"
	exit 1
fi

# whole runs everything: in two halves, of which each goes on when the other fails.
whole() {
	for name in tools format modules; do run "$name"; done
	BESIDE="$scratch/book.beside" nice ./test.sh lint cross fuzz >"$scratch/beside" 2>&1 </dev/null &
	beside=$!
	failed=0
	(run test && run race) || failed=1
	wait "$beside" || failed=1
	beside=''
	cat "$scratch/beside"
	[ $failed = 0 ] || exit 1
}

quick=no
case "$*" in
'')
	whole # the linter does what vet does
	exit
	;;
quick)
	quick=yes
	set -- tools vet cached
	;;
esac
for name in "$@"; do
	run "$name"
done
