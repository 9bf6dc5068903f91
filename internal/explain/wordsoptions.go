package explain

// setting says what it means to set an option, by its name.
var setting = map[string]Text{
	"SO_RCVTIMEO":     {"a receive waits {ms} ms at most, so that the program can look around now and then", "一次接收最多等 {ms} 毫秒，程序好不时看看别的事"},
	"SO_REUSEADDR":    {"several programs may hear the same multicast group", "允许多个程序收听同一个多播组"},
	"SO_REUSEPORT":    {"several sockets share the port, and the kernel spreads the flows over them", "多个套接字共用一个端口，由内核把流量分给它们"},
	"SO_BROADCAST":    {"allows sending to broadcast addresses", "允许向广播地址发送"},
	"SO_RCVBUF":       {"asks for a receive buffer of {n} bytes, for datagrams that have not been read yet", "申请 {n} 字节的接收缓冲区，存放还没读走的数据报"},
	"SO_RCVBUFFORCE":  {"asks for a receive buffer of {n} bytes even beyond the system's limit, for datagrams that have not been read yet", "申请 {n} 字节的接收缓冲区（可超过系统上限），存放还没读走的数据报"},
	"SO_SNDBUF":       {"asks for a send buffer of {n} bytes", "申请 {n} 字节的发送缓冲区"},
	"SO_SNDBUFFORCE":  {"asks for a send buffer of {n} bytes even beyond the system's limit", "申请 {n} 字节的发送缓冲区（可超过系统上限）"},
	"SO_TIMESTAMPNS":  {"the kernel notes with each datagram when it came", "内核给每个数据报记下到达的时刻"},
	"SO_RXQ_OVFL":     {"the kernel says with each datagram how many were dropped before it", "内核随数据报告知此前丢弃了多少个"},
	"SO_BINDTODEVICE": {"receive and send by interface {text} alone", "只经网卡 {text} 收发"},

	"IP_PKTINFO":          {"the kernel says to which address of this machine each datagram was sent, so that the reply can leave from there", "内核告知每个数据报发到了本机的哪个地址，应答就能从那个地址发出"},
	"IP_RECVERR":          {"ICMP errors about what was sent are kept in an error queue: so an unconnected socket, too, hears of \"nothing listens there\"", "发出的数据报若引来 ICMP 错误，就存进错误队列：这样没有连接的套接字也能得知“那里没有人在听”"},
	"IP_RECVTTL":          {"the kernel tells the TTL of each datagram", "内核告知每个数据报的 TTL"},
	"IP_RECVTOS":          {"the kernel tells the type of service of each datagram", "内核告知每个数据报的服务类型（TOS）"},
	"IP_TTL":              {"what is sent may pass {n} routers", "发出的包最多经过 {n} 个路由器"},
	"IP_TOS":              {"what is sent gets the type of service {n}", "发出的包的服务类型（TOS）设为 {n}"},
	"IP_MTU_DISCOVER":     {"never fragment what is sent: what does not fit the path fails", "发出的包不许分片：路径装不下就报错"},
	"IP_MULTICAST_TTL":    {"multicast that is sent may pass {n} routers", "发出的多播包最多经过 {n} 个路由器"},
	"IP_MULTICAST_LOOP":   {"whether this machine hears its own multicast: {onoff}", "本机是否听到自己发的多播：{onoff}"},
	"IP_MULTICAST_IF":     {"the interface by which multicast leaves", "多播从哪块网卡发出"},
	"IP_MULTICAST_ALL":    {"hear only the multicast groups joined here, not those that other programs have joined", "只收自己加入的多播组，不收别的程序加入的"},
	"IP_ADD_MEMBERSHIP":   {"joins a multicast group", "加入一个多播组"},
	"IPV6_V6ONLY":         {"whether it is for IPv6 alone: {onoff}; off, IPv4 comes too, as ::ffff:a.b.c.d", "是否只用于 IPv6：{onoff}；关时也收 IPv4，地址写作 ::ffff:a.b.c.d"},
	"IPV6_RECVPKTINFO":    {"the kernel says to which address of this machine each datagram was sent, so that the reply can leave from there", "内核告知每个数据报发到了本机的哪个地址，应答就能从那个地址发出"},
	"IPV6_RECVERR":        {"ICMPv6 errors about what was sent are kept in an error queue: so an unconnected socket, too, hears of \"nothing listens there\"", "发出的数据报若引来 ICMPv6 错误，就存进错误队列：这样没有连接的套接字也能得知“那里没有人在听”"},
	"IPV6_RECVHOPLIMIT":   {"the kernel tells the hop limit of each datagram", "内核告知每个数据报的跳数限制"},
	"IPV6_RECVTCLASS":     {"the kernel tells the traffic class of each datagram", "内核告知每个数据报的流量类别"},
	"IPV6_UNICAST_HOPS":   {"what is sent may pass {n} routers", "发出的包最多经过 {n} 个路由器"},
	"IPV6_TCLASS":         {"what is sent gets the traffic class {n}", "发出的包的流量类别设为 {n}"},
	"IPV6_MTU_DISCOVER":   {"never fragment what is sent: what does not fit the path fails", "发出的包不许分片：路径装不下就报错"},
	"IPV6_MULTICAST_HOPS": {"multicast that is sent may pass {n} routers", "发出的多播包最多经过 {n} 个路由器"},
	"IPV6_MULTICAST_LOOP": {"whether this machine hears its own multicast: {onoff}", "本机是否听到自己发的多播：{onoff}"},
	"IPV6_MULTICAST_IF":   {"the interface by which multicast leaves", "多播从哪块网卡发出"},
	"IPV6_MULTICAST_ALL":  {"hear only the multicast groups joined here, not those that other programs have joined", "只收自己加入的多播组，不收别的程序加入的"},
	"IPV6_ADD_MEMBERSHIP": {"joins a multicast group", "加入一个多播组"},

	"UDP_SEGMENT": {"what is sent is cut into datagrams of {n} bytes", "发出的消息切成每个 {n} 字节的数据报"},
	"UDP_GRO":     {"whether the kernel may put datagrams of one flow together, so that one call brings many: {onoff}", "是否允许内核把同一条流的数据报合并，一次调用收到许多：{onoff}"},
}

// asking says what the answer to getsockopt means.
var asking = map[string]Text{
	"SO_DOMAIN":       {"which family did the kernel make it? {n}, {name}", "内核给它的地址族是？{n}，即 {name}"},
	"SO_TYPE":         {"which type? {n}, {name}", "类型是？{n}，即 {name}"},
	"SO_PROTOCOL":     {"which protocol has the 0 become? {n}, {name}", "协议 0 变成了什么？{n}，即 {name}"},
	"SO_RCVBUF":       {"the receive buffer has {n} bytes: the kernel doubles what it grants, for its own bookkeeping", "接收缓冲区有 {n} 字节：内核会把批准的数翻倍，多出的用于自己记账"},
	"SO_SNDBUF":       {"the send buffer has {n} bytes", "发送缓冲区有 {n} 字节"},
	"SO_MEMINFO":      {"{queued} bytes are queued for receiving; {drops} datagrams were dropped because there was no room", "接收队列里有 {queued} 字节；因为没有地方而丢弃了 {drops} 个数据报"},
	"SO_BINDTODEVICE": {"the interface that it is bound to", "它绑定在哪块网卡上"},
	"IPV6_V6ONLY":     {"whether it is for IPv6 alone: {onoff}", "是否只用于 IPv6：{onoff}"},
	"UDP_SEGMENT":     {"can this kernel cut one message into several datagrams (segmentation offload)? It can; by itself it does not: {n}", "这个内核能不能把一条消息切成多个数据报（分段卸载）？能；默认不切：{n}"},
	"UDP_GRO":         {"whether the kernel puts datagrams of one flow together: {onoff}", "内核是否合并同一条流的数据报：{onoff}"},
}
