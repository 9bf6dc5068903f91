package explain

// Text is the same sentence in the languages that there are. Names in braces are filled in.
type Text struct{ En, Zh string }

// Language is what explanations are written in.
type Language uint8

// The languages.
const (
	English Language = iota
	Chinese
)

func (t Text) in(l Language) string {
	if l == Chinese {
		return t.Zh
	}
	return t.En
}

// calls says what each system call does. Where a call has several faces, a word after its name tells them apart.
var calls = map[string]Text{
	"socket": {"opens a socket, number {fd} from here on. {parts}",
		"创建一个套接字，此后用编号（文件描述符）{fd} 称呼它。{parts}"},
	"socket failed":         {"no socket was opened: {why}", "没有创建成功：{why}"},
	"bind":                  {"gives the socket its own address, {addr}{note}: what is sent there reaches it", "把套接字绑定到自己的地址 {addr}{note}：发到那里的数据报由它接收"},
	"bind unix":             {"gives the socket its name, {addr}: what is sent there reaches it", "给套接字起名 {addr}：发到这个名字的数据报由它接收"},
	"bind unix unnamed":     {"has the kernel make up a name, so that replies have somewhere to go", "请内核随便起一个名字，好让应答有处可回"},
	"bind packet":           {"from now on the socket hears the frames of {interface}: {proto}", "从现在起这个套接字能听到{interface}的帧：{proto}"},
	"connect":               {"names the one peer, {addr}: what is sent goes there, and only what comes from there is received. No packet is sent for it", "认定唯一的对端 {addr}：以后发送的都去那里，也只收从那里来的。这一步不发送任何包"},
	"listen":                {"lets peers connect, up to {n} of them waiting", "开始接受连接，最多 {n} 个排队等候"},
	"accept4":               {"takes a waiting connection, from {addr}, as socket {result}", "接受一个来自 {addr} 的连接，得到新的套接字 {result}"},
	"shutdown":              {"ends the connection ({n})", "结束连接（{n}）"},
	"getsockname":           {"what is the socket's own address? {addr}", "套接字自己的地址是什么？{addr}"},
	"getsockname chosen":    {"what is the socket's own address? {addr}: the kernel has chosen port {port}{note}", "套接字自己的地址是什么？{addr}：端口 {port} 是内核选的{note}"},
	"getpeername":           {"who is the peer? {addr}", "对端是谁？{addr}"},
	"setsockopt":            {"sets {option}: {text}", "设置 {option}：{text}"},
	"setsockopt copy":       {"{fd} is a second number for socket {of}, one that may wait inside a call. Sets {option}: {text}", "{fd} 是套接字 {of} 的另一个编号，经它的调用可以阻塞等待。设置 {option}：{text}"},
	"getsockopt copy":       {"{fd} is a copy of descriptor {of} of process {process}, made for a moment to ask about it (pidfd_getfd). Asks for {option}: {text}", "{fd} 是进程 {process} 的描述符 {of} 的副本，只为查询而临时取来（pidfd_getfd）。查询 {option}：{text}"},
	"getsockopt":            {"asks for {option}: {text}", "查询 {option}：{text}"},
	"sendmmsg":              {"sends {what} to {peer}{note}", "向 {peer} 发送{what}{note}"},
	"sendmmsg several":      {"sends {n} messages in one call: {what} to {peer}{note}", "一次调用发送 {n} 条消息：向 {peer} 发送{what}{note}"},
	"sendmmsg some":         {"of {batch} messages the kernel took {n}: {what} to {peer}{note}", "{batch} 条消息中内核收下 {n} 条：向 {peer} 发送{what}{note}"},
	"sendto":                {"sends {what} to {peer}", "向 {peer} 发送{what}"},
	"sendto kernel":         {"asks the kernel a question: what did the queue of the network device drop?", "向内核提问：网卡的发送队列丢弃了多少个包？"},
	"recvfrom":              {"receives {what} from {peer}{note}", "收到来自 {peer} 的{what}{note}"},
	"recvfrom kernel":       {"the kernel's answer, {n} bytes", "内核的回答，{n} 字节"},
	"recvmsg":               {"receives {what} from {peer}{note}", "收到来自 {peer} 的{what}{note}"},
	"recvmsg error queue":   {"takes a report off the socket's error queue, about the {size} bytes sent to {peer}: {why}", "从套接字的错误队列取出一份报告，说的是发往 {peer} 的那 {size} 字节：{why}"},
	"recvmsg no more":       {"the error queue is empty: nothing more to report", "错误队列已空：没有别的报告了"},
	"recvmmsg":              {"receives {what} from {peer}{note}", "收到来自 {peer} 的{what}{note}"},
	"recvmmsg several":      {"receives {n} messages in one call: {what} from {peer}{note}", "一次调用收到 {n} 条消息：来自 {peer} 的{what}{note}"},
	"receive nothing":       {"EAGAIN, nothing there: wait until there is", "EAGAIN，还没有东西：等到有为止"},
	"receive turn":          {"EAGAIN, {ms} ms went by and nothing came (SO_RCVTIMEO): look around, and wait again", "EAGAIN，{ms} 毫秒过去，什么也没来（SO_RCVTIMEO）：看一眼有没有别的事，再继续等"},
	"receive interrupted":   {"EINTR, a signal ended the wait: look whether something is wanted, and wait again", "EINTR，信号打断了等待：看看有没有事要做，再继续等"},
	"send full":             {"EAGAIN, the queue is full: wait until there is room", "EAGAIN，队列已满：等到有空位为止"},
	"close":                 {"closes the socket: number {fd} is free again, and so is its address", "关闭套接字：编号 {fd} 和它的地址都可以另作他用了"},
	"close copy":            {"gives up the copy: process {process} keeps its socket, and nothing about it has changed", "放弃副本：进程 {process} 的套接字还在，什么都没有变"},
	"close moved":           {"gives up number {fd}: the socket goes on as {as}", "放弃编号 {fd}：同一个套接字继续以 {as} 的编号使用"},
	"getsockname unnamed":   {"what is the socket's own name? It has none", "套接字自己的名字是什么？没有名字"},
	"failed":                {"fails with {errno}: {why}", "失败，{errno}：{why}"},
	"failed receive stored": {"{errno}: {why}. It is about a datagram sent before: the error queue says which", "{errno}：{why}。说的是之前发出的一个数据报，是哪一个要到错误队列里查"},
	"failed send stored":    {"{errno}: {why}. That may be about a datagram sent before; this one has not been sent, and is tried again", "{errno}：{why}。说的可能是之前发出的数据报；这一次没有发出，会再试"},
	"failed option force":   {"{errno}: {option} needs CAP_NET_ADMIN, which this process does not have: the plain option comes next", "{errno}：{option} 需要 CAP_NET_ADMIN 权限，本进程没有：接下来改用普通选项"},
}

// families, types, protocols and flags are the arguments of socket(2), by the names that the headers give them.
var (
	families = map[string]Text{
		"AF_INET":    {"AF_INET: IPv4", "AF_INET：IPv4 地址族"},
		"AF_INET6":   {"AF_INET6: IPv6", "AF_INET6：IPv6 地址族"},
		"AF_UNIX":    {"AF_UNIX: between processes of this machine", "AF_UNIX：本机进程之间"},
		"AF_PACKET":  {"AF_PACKET: frames of a network interface", "AF_PACKET：网卡上的帧"},
		"AF_NETLINK": {"AF_NETLINK: questions to the kernel itself", "AF_NETLINK：与内核本身对话"},
	}
	types = map[string]Text{
		"SOCK_DGRAM":     {"SOCK_DGRAM: datagrams, each for itself, without a connection", "SOCK_DGRAM：数据报，各自独立，无需连接"},
		"SOCK_STREAM":    {"SOCK_STREAM: bytes in order, over a connection", "SOCK_STREAM：有连接的字节流，按序到达"},
		"SOCK_RAW":       {"SOCK_RAW: with the headers that the kernel usually writes and hides", "SOCK_RAW：原始套接字，平时由内核处理的头部也自己看"},
		"SOCK_RDM":       {"SOCK_RDM: datagrams that are not lost, in any order", "SOCK_RDM：不会丢失的数据报，次序不定"},
		"SOCK_DCCP":      {"SOCK_DCCP: datagrams with congestion control, over a connection", "SOCK_DCCP：有连接、有拥塞控制的数据报"},
		"SOCK_PACKET":    {"SOCK_PACKET: frames of a network interface the obsolete way", "SOCK_PACKET：以过时的方式取网卡上的帧"},
		"SOCK_SEQPACKET": {"SOCK_SEQPACKET: records in order, over a connection", "SOCK_SEQPACKET：有连接的记录，按序到达"},
	}
	protocols = map[string]Text{
		"0":             {"protocol 0: the usual one of the two, which is {usual}", "协议填 0：取前两项的默认协议，即 {usual}"},
		"0 any":         {"protocol 0: the usual one, if this type has one", "协议填 0：取这个类型的默认协议（如果有）"},
		"0 packet":      {"protocol 0: no frames yet, they begin when it is bound to some", "协议填 0：先不收任何帧，等 bind 时再说要哪些"},
		"0 unix":        {"protocol 0: there is no other", "协议填 0：此处别无其他协议"},
		"IPPROTO_UDP":   {"IPPROTO_UDP: UDP", "IPPROTO_UDP：UDP 协议"},
		"NETLINK_ROUTE": {"NETLINK_ROUTE: about interfaces, addresses and queues", "NETLINK_ROUTE：关于网卡、地址和队列"},
		"other":         {"protocol {name}", "协议 {name}"},
	}
	flags = map[string]Text{
		"SOCK_CLOEXEC":  {"SOCK_CLOEXEC: a child process will not inherit it", "SOCK_CLOEXEC：子进程不会继承它"},
		"SOCK_NONBLOCK": {"SOCK_NONBLOCK: a call that would have to wait answers EAGAIN instead", "SOCK_NONBLOCK：本该等待的调用改为立即返回 EAGAIN"},
	}
)

// phrases are what the sentences are put together from.
var phrases = map[string]Text{
	"wildcard 4":     {"a wildcard: every IPv4 address of this machine", "通配地址：本机的所有 IPv4 地址"},
	"wildcard 6":     {"a wildcard: every address of this machine", "通配地址：本机的所有地址"},
	"loopback":       {"loopback, this machine itself: nobody outside reaches it", "回环地址，即本机自己：外面的机器到不了"},
	"port 0":         {"port 0: the kernel is to choose a free one", "端口填 0：由内核挑一个空闲的"},
	"any source":     {"; the address is still the wildcard: each datagram takes the one that fits its way", "；地址仍是通配，每个数据报按去路取合适的源地址"},
	"one":            {"{text}, a datagram of {n} bytes,", "数据报 {text}（{n} 字节）"},
	"one empty":      {"an empty datagram (0 bytes are a datagram too, and no end)", "一个空数据报（0 字节也是数据报，不代表结束）"},
	"several":        {"{count} datagrams, {n} bytes in all", "{count} 个数据报，共 {n} 字节"},
	"segments":       {"; the kernel cuts the message into datagrams of {n} bytes (UDP_SEGMENT)", "；内核把消息切成每个 {n} 字节的数据报（UDP_SEGMENT）"},
	"coalesced":      {"; the kernel had put datagrams of {n} bytes together (UDP_GRO)", "；内核先把每个 {n} 字节的数据报合并在一起（UDP_GRO）"},
	"from":           {"; it leaves from {addr} (packet info), the address that was asked", "；源地址用 {addr}（packet info），即对方当初请求的地址"},
	"arrived":        {"; it was sent to {addr} and came in by {interface} (packet info)", "；它是发给 {addr} 的，从网卡 {interface} 进来（packet info）"},
	"truncated":      {"; MSG_TRUNC: it was longer than the buffer of {n} bytes, and its end is lost", "；MSG_TRUNC：它比 {n} 字节的缓冲区长，尾部已丢失"},
	"control cut":    {"; MSG_CTRUNC: there was more beside it, for which no room was given", "；MSG_CTRUNC：附带的控制信息没有留地方存放"},
	"the peer":       {"its peer", "对端"},
	"several peers":  {"{n} peers", "{n} 个对端"},
	"nobody":         {"a socket without a name", "没有名字的套接字"},
	"reported by":    {"; {addr} reported it", "；报告者是 {addr}"},
	"not shown":      {"… {n} calls not shown: they come faster than they can be printed", "…… 有 {n} 次调用没有显示：来得比打印快"},
	"quiet again":    {"{call} ×{n}: still waiting", "{call} ×{n}：仍在等待"},
	"portable":       {"explain: portable: net's own calls cannot be traced", "explain：portable：Go 的 net 包自己发出的系统调用无法跟踪"},
	"in brackets":    {" ({notes})", "（{notes}）"},
	"number":         {"{n}, {name}", "{n}，即 {name}"},
	"no socket":      {"explain: a capture file is read without a socket: there is no call to explain", "explain：读抓包文件不需要套接字：没有可解释的调用"},
	"interface":      {"the interface {name}", "网卡 {name} 上"},
	"interfaces":     {"all interfaces", "所有网卡上"},
	"every protocol": {"ETH_P_ALL, of every protocol", "ETH_P_ALL，任何协议"},
	"nothing":        {"no, nothing", "没有"},
	"fragments 0":    {"yes, and no packet says \"don't fragment\"", "允许，而且不给任何包加“不许分片”的标志"},
	"fragments 1":    {"yes; what fits says \"don't fragment\", so that routers say how narrow the path is", "允许；装得下的包带“不许分片”的标志，好让路由器告知路径有多窄"},
	"fragments 2":    {"no: what does not fit fails", "不允许：装不下就报错"},
	"fragments 3":    {"no: what does not fit the network interface fails, and what is known of the rest of the path does not matter", "不允许：网卡装不下就报错，路径其余部分有多窄则不管"},
	"no device":      {"to none", "没有绑定"},
	"on":             {"on", "开"},
	"off":            {"off", "关"},
	"unknown option": {"an option without an explanation here", "此处没有关于这个选项的说明"},
}
