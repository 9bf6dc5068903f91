package main

func Example() {
	main()
	// Output: HELLO <nil>
}
