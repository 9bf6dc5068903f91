# Names for what the scripts do; everything is in test.sh.
.PHONY: test quick lint fuzz prove bench bench-peers bench-generators bench-capture bench-read

test:
	./test.sh

quick:
	./test.sh quick

lint:
	./test.sh lint

# Longer: make fuzz FUZZTIME=1m
fuzz:
	FUZZTIME=$(or $(FUZZTIME),10s) ./test.sh fuzz

# The promises of SECURITY.md, each attacked in network namespaces; as root, in under ten minutes: make prove ARGS='-only 3,5 -json'
prove:
	./test.sh tools
	go run ./internal/prove $(ARGS)

bench:
	go test -run '^$$' -bench . -benchmem ./...

# Beside other servers, half an hour on a machine that does nothing else; with every run as JSON: make bench-peers JSON=runs.json
bench-peers:
	go run ./internal/peers -out docs/benchmarks.md $(if $(JSON),-json $(JSON)) $(ARGS)

# Recording beside dumpcap and tcpdump, in network namespaces; as root, a minute on a machine that does nothing else: make bench-capture ARGS='-passes 5'
bench-capture:
	go run ./internal/capturebench $(ARGS)

# Reading a capture of ten million packets beside tshark, a few minutes; with one of 4 GiB too: make bench-read ARGS=-big
bench-read:
	go run ./internal/capturebench read $(ARGS)

# dgram bench beside other load generators (load.c, sockperf, dnsperf, iperf3: what is there), a minute or two
bench-generators:
	go run ./internal/peers -generators $(ARGS)
