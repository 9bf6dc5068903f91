package sock

func explainOpen(family Family, typ Type, proto Proto, err error) string { return "" }
func explainCall(op string, family Family, typ Type, err error) string   { return "" }
