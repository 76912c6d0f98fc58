"""A bad cable: a tun device in each namespace and a loop between them that loses, delays, doubles and overtakes packets, by a seeded choice.

tc-netem(8) would do the same where the kernel has it; this needs only /dev/net/tun and gives the same damage on each run.
"""
import fcntl, heapq, os, random, select, struct, threading, time


def _open(network, namespace):
    def body():
        handle = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(handle, 0x400454CA, struct.pack("16sH22x", b"tun0", 0x0001 | 0x1000))  # TUNSETIFF, IFF_TUN | IFF_NO_PI
        return handle
    return network.inside(namespace, body)


class BadCable:
    def __init__(self, network, seed, delay=0.001, loss=0.0, reorder=0.0, duplicate=0.0):
        self.ends = [_open(network, network.client), _open(network, network.server)]
        self.choice = random.Random(seed)
        self.delay, self.loss, self.reorder, self.duplicate = delay, loss, reorder, duplicate
        self.running = True
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        waiting, count = [], 0
        while self.running:
            timeout = max(0.0, min(0.1, waiting[0][0] - time.monotonic())) if waiting else 0.1
            for end in select.select(self.ends, [], [], timeout)[0]:
                try:
                    packet = os.read(end, 65536)
                except BlockingIOError:
                    continue
                other = self.ends[1 - self.ends.index(end)]
                for _ in range(2 if self.choice.random() < self.duplicate else 1):
                    if self.choice.random() < self.loss:
                        continue
                    late = self.choice.uniform(2, 5) * self.delay if self.choice.random() < self.reorder else 0
                    count += 1
                    heapq.heappush(waiting, (time.monotonic() + self.delay + late, count, other, packet))
            while waiting and waiting[0][0] <= time.monotonic():
                _, _, end, packet = heapq.heappop(waiting)
                try:
                    os.write(end, packet)
                except OSError:
                    pass  # that end is not up yet

    def close(self):
        self.running = False
        self.thread.join()
        for end in self.ends:
            os.close(end)
