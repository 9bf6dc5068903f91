# Names for what the scripts do; everything is in test.sh.
.PHONY: test quick lint fuzz bench

test:
	./test.sh

quick:
	./test.sh quick

lint:
	./test.sh lint

# Longer: make fuzz FUZZTIME=1m
fuzz:
	FUZZTIME=$(or $(FUZZTIME),10s) ./test.sh fuzz

bench:
	go test -run '^$$' -bench . -benchmem ./...
