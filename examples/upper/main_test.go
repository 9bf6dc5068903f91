package main

func Example() {
	main()
	// Output: [72 69 76 76 79] <nil>
}
