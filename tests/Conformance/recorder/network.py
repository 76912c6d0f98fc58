"""Two network namespaces joined by a cable of our own, and what is captured on it."""
import contextlib, ctypes, os, pathlib, signal, subprocess, threading, time

from .cable import BadCable

CLIENT, SERVER = "10.99.0.1", "10.99.0.2"
CLIENT6, SERVER6 = "fd99::1", "fd99::2"
_libc = ctypes.CDLL(None, use_errno=True)


def run(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout


class Network:
    """Namespaces c and s; the name holds our process id, so that nothing else is touched."""

    def __init__(self):
        self.client, self.server = f"kbb-rec-c{os.getpid()}", f"kbb-rec-s{os.getpid()}"
        self.processes = []

    def __enter__(self):
        for name in (self.client, self.server):
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        run("ip", "-n", self.client, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", self.server)
        for name, four, six in ((self.client, CLIENT, CLIENT6), (self.server, SERVER, SERVER6)):
            run("ip", "-n", name, "addr", "add", f"{four}/24", "dev", "eth0")
            run("ip", "-n", name, "addr", "add", f"{six}/64", "dev", "eth0", "nodad")
            run("ip", "-n", name, "link", "set", "eth0", "up")
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            self.stop(process)
        for name in (self.client, self.server):
            subprocess.run(["ip", "netns", "del", name], check=False)

    def start(self, namespace, *command, **options):
        process = subprocess.Popen(["ip", "netns", "exec", namespace, *command], start_new_session=True, **options)
        self.processes.append(process)
        return process

    @staticmethod
    def stop(process):
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def in_client(self, *command, **options):
        return run("ip", "netns", "exec", self.client, *command, **options)

    @contextlib.contextmanager
    def impaired(self, **how):
        """Sends what goes between the two through a bad cable, tun0."""
        cable = BadCable(self, **how)
        try:
            for name, here, there in ((self.client, CLIENT, SERVER), (self.server, SERVER, CLIENT)):
                run("ip", "-n", name, "link", "set", "tun0", "up")
                run("ip", "-n", name, "route", "add", f"{there}/32", "dev", "tun0", "src", here)
            yield
        finally:
            cable.close()

    @contextlib.contextmanager
    def captured(self, path, namespace, interface="eth0", snap=0, expression="tcp"):
        """tcpdump at one end of the cable."""
        path = pathlib.Path(path)
        command = ["tcpdump", "-i", interface, "--immediate-mode", "-B", "8192", "-U", "-Z", "root", "-s", str(snap), "-w", str(path), expression]
        process = self.start(namespace, *command, stderr=subprocess.PIPE, text=True)
        for line in process.stderr:
            if "listening on" in line:
                break
        try:
            yield
        finally:
            time.sleep(0.4)
            process.send_signal(signal.SIGINT)
            said = process.communicate(timeout=10)[1]
            if "\n0 packets dropped by kernel" not in said:
                raise RuntimeError(f"tcpdump missed packets: {said}")

    def thread(self, namespace, function):
        """Runs a function on a thread inside a namespace; sockets made there stay there."""
        failure = []

        def body():
            with open(f"/run/netns/{namespace}") as handle:
                if _libc.setns(handle.fileno(), 0x40000000) != 0:
                    failure.append(OSError(ctypes.get_errno(), "setns"))
                    return
            try:
                function()
            except Exception as error:  # shown by whoever joins
                failure.append(error)

        thread = threading.Thread(target=body, daemon=True)
        thread.failure = failure
        thread.start()
        return thread

    def inside(self, namespace, function):
        result = []
        thread = self.thread(namespace, lambda: result.append(function()))
        thread.join(60)
        if thread.failure:
            raise thread.failure[0]
        return result[0]
