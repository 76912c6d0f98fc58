using System.Text;
using KubeBpfBox.Agent.Identity;

namespace KubeBpfBox.Unit.Identity;

public sealed class CgroupPathTests
{
    private const string Id = "4fa6e0f0c678b2b3f4c2a1d0e9f8a7b6c5d4e3f20192a3b4c5d6e7f8091a2b3c";
    private const string Outer = "00000000c678b2b3f4c2a1d0e9f8a7b6c5d4e3f20192a3b4c5d6e7f8091a2b3c";
    private const string ShortId = "4fa6e0f0c678";
    private const string Uid = "0b5ad1f2-3c4d-4e5f-8a9b-0c1d2e3f4a5b";
    private const string UidInSlice = "0b5ad1f2_3c4d_4e5f_8a9b_0c1d2e3f4a5b";
    private const string StaticUid = "8cf0b1f0d242f01fe7e85202a9a29301";

    [Theory]
    [InlineData("/docker/" + Id)]
    [InlineData("/docker/" + Id + "/child")]
    [InlineData("/system.slice/docker-" + Id + ".scope")]
    [InlineData("/system.slice/docker-" + Id + ".scope/system.slice/nginx.service")]
    [InlineData("/system.slice/docker-" + Id + ".scope (deleted)")]
    [InlineData("/system.slice:docker:" + Id)]
    [InlineData("/user.slice/user-1000.slice/user@1000.service/user.slice/docker-" + Id + ".scope")]
    [InlineData("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + Id + ".scope/container")]
    [InlineData("/machine.slice/libpod-" + Id + ".scope")]
    [InlineData("/libpod_parent/libpod-" + Id)]
    [InlineData("/machine.slice/machine-libpod_pod_" + Outer + ".slice/libpod-" + Id + ".scope")]
    [InlineData("/system.slice/nerdctl-" + Id + ".scope")]
    [InlineData("/default/" + Id)]
    [InlineData("/ecs/8cf0b1f0d242f01fe7e85202a9a29301/" + Id)]
    [InlineData("/../../docker/" + Id)]
    [InlineData("/docker/" + Outer + "/docker/" + Id)]
    [InlineData("/system.slice/containerd.service/" + Id)]
    public void Container(string path) => Expect(path, CgroupKind.Container, ShortId, Id, null);

    [Theory]
    [InlineData("/kubepods/besteffort/pod" + Uid + "/" + Id)]
    [InlineData("/kubepods/burstable/pod" + Uid + "/" + Id)]
    [InlineData("/kubepods/pod" + Uid + "/" + Id + "/nested")]
    [InlineData("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + UidInSlice + ".slice/cri-containerd-" + Id + ".scope")]
    [InlineData("/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" + UidInSlice + ".slice/docker-" + Id + ".scope")]
    [InlineData("/kubepods.slice/kubepods-pod" + UidInSlice + ".slice/crio-" + Id + ".scope")]
    [InlineData("/kubepods.slice/kubepods-pod" + UidInSlice + ".slice/crio-" + Id + ".scope/container")]
    [InlineData("/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" + UidInSlice + ".slice/cri-containerd-" + Id + ".scope")]
    [InlineData("/system.slice/docker-" + Outer + ".scope/kubelet/kubepods/burstable/pod" + Uid + "/" + Id)]
    [InlineData("/kubepods-burstable-pod" + UidInSlice + ".slice:cri-containerd:" + Id)]
    public void Container_of_a_pod(string path)
    {
        // The last form joins slice and container in one segment, where no pod is looked for.
        bool hasPod = !path.Contains(":cri", StringComparison.Ordinal);
        Expect(path, CgroupKind.Container, ShortId, Id, hasPod ? Uid : null);
    }

    [Theory]
    [InlineData("/kubepods/burstable/pod" + Uid, Uid)]
    [InlineData("/kubepods.slice/kubepods-pod" + UidInSlice + ".slice", Uid)]
    [InlineData("/kubepods/burstable/pod" + StaticUid, StaticUid)]
    [InlineData("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + StaticUid + ".slice", StaticUid)]
    public void Pod_without_a_container_is_known_but_no_workload(string path, string uid) => Expect(path, CgroupKind.None, "", null, uid);

    [Theory]
    [InlineData("/lxc/web01", "web01")]
    [InlineData("/lxc/101/ns", "101")]
    [InlineData("/lxc/101/ns/system.slice/nginx.service", "101")]
    [InlineData("/lxc.payload.web01", "web01")]
    [InlineData("/lxc.payload.web01/system.slice/nginx.service", "web01")]
    [InlineData("/lxc.payload/web01/init.scope", "web01")]
    public void Lxc_container(string path, string name) => Expect(path, CgroupKind.Container, name, name, null);

    [Theory]
    [InlineData("/system.slice/nginx.service", "nginx.service")]
    [InlineData("/system.slice/nginx.service/worker", "nginx.service")]
    [InlineData("/system.slice/system-postgresql.slice/postgresql@15-main.service", "postgresql@15-main.service")]
    [InlineData("/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service")]
    [InlineData("/user.slice/user-1000.slice/user@1000.service/app.slice/foo.service", "foo.service")]
    [InlineData("/user.slice/user-1000.slice/user@1000.service/app.slice/app-a.slice/app\\x2db.service", "app-b.service")]
    [InlineData("/system.slice/my\\x2dapp\\x40home.service", "my-app@home.service")]
    [InlineData("/system.slice/odd\\x2fname\\x00\\x1b.service", "odd\\x2fname\\x00\\x1b.service")]
    [InlineData("/system.slice/bell\a\u0085.service", "bell??.service")]
    [InlineData("/system.slice/odd\\x2.service", "odd\\x2.service")]
    [InlineData("/system.slice/docker.service", "docker.service")]
    [InlineData("/system.slice/sshd.socket", "sshd.socket")]
    [InlineData("/system.slice/containerd.service/kubepods/init.scope", "containerd.service")]
    [InlineData("/machine.slice/systemd-nspawn@web.service/payload/system.slice/nginx.service", "nginx.service")]
    [InlineData("/system.slice/nginx.service (deleted)", "nginx.service")]
    [InlineData("system.slice/nginx.service", "nginx.service")]
    [InlineData("//system.slice//nginx.service//", "nginx.service")]
    public void Unit(string path, string name) => Expect(path, CgroupKind.Unit, name, null, null);

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("/init.scope")]
    [InlineData("/system.slice")]
    [InlineData("/user.slice/user-1000.slice/session-3.scope")]
    [InlineData("/user.slice/user-1000.slice")]
    [InlineData("/user.slice/user-1000.slice/user@1000.service")]
    [InlineData("/user.slice/user-1000.slice/user@1000.service/init.scope")]
    [InlineData("/user.slice/user-1000.slice/user@1000.service/app.slice/app-firefox-4242.scope")]
    [InlineData("/system.slice/run-u42.scope")]
    [InlineData("/kubepods/burstable")]
    [InlineData("/kubepods/podium")]
    [InlineData("/process_api/" + StaticUid)]
    [InlineData("/sandbox/deadbeef")]
    [InlineData("/lxc")]
    [InlineData("/lxc.payload.")]
    [InlineData("/lxc.monitor.web01")]
    [InlineData("/.service")]
    [InlineData("/.socket")]
    [InlineData("/machine.slice/libpod-conmon-" + Id + ".scope")]
    [InlineData("/kubepods.slice/crio-conmon-" + Id + ".scope")]
    [InlineData("/libpod_parent/libpod_pod_" + Id)]
    [InlineData("/docker/" + Id + "0")]
    [InlineData("/docker/4FA6E0F0C678B2B3F4C2A1D0E9F8A7B6C5D4E3F20192A3B4C5D6E7F8091A2B3C")]
    [InlineData(" (deleted)")]
    public void Nobody_in_particular(string path) => Expect(path, CgroupKind.None, "", null, null);

    [Theory]
    [InlineData("0::/system.slice/nginx.service\n", "nginx.service")]
    [InlineData("12:memory:/system.slice/nginx.service\n1:name=systemd:/\n0::/\n", "nginx.service")]
    [InlineData("4:memory:/system.slice/nginx.service\n3:cpu,cpuacct:/docker/" + Id + "\n0::/\n", ShortId)]
    [InlineData("4:memory:/process_api/" + StaticUid + "\n3:cpu:/\n0::/\n", "")]
    [InlineData("4:memory:/a:b/nginx.service\n", "nginx.service")]
    [InlineData("4:memory:/system.slice/cut-off.serv", "")]
    [InlineData("no path\n\n:::\n0::/system.slice/nginx.service\n", "nginx.service")]
    [InlineData("", "")]
    public void Any_hierarchy_of_a_process_counts(string lines, string name) => Assert.Equal(name, CgroupPath.ParseProcess(Encoding.UTF8.GetBytes(lines)).Name);

    [Fact]
    public void A_pod_is_kept_from_whichever_hierarchy_tells_it()
    {
        CgroupPath path = CgroupPath.ParseProcess(Encoding.UTF8.GetBytes($"5:cpu:/docker/{Id}\n4:memory:/kubepods/pod{Uid}/{Id}\n0::/\n"));
        Assert.Equal(Uid, path.PodUid);
        Assert.Equal(Id, path.ContainerId);
    }

    [Fact]
    public void Any_bytes_are_a_path()
    {
        Random random = new(1);
        byte[][] pieces = ["/"u8.ToArray(), ".service"u8.ToArray(), "\\x"u8.ToArray(), "lxc/"u8.ToArray(), "-pod"u8.ToArray(), Encoding.UTF8.GetBytes(Id), ".scope"u8.ToArray(), "\n"u8.ToArray(), [0xff, 0x80]];
        for (int round = 0; round < 20_000; round++)
        {
            List<byte> path = [];
            for (int piece = random.Next(12); piece > 0; piece--)
            {
                path.AddRange(random.Next(3) == 0 ? [(byte)random.Next(256)] : pieces[random.Next(pieces.Length)]);
            }
            byte[] bytes = [.. path];
            CgroupPath found = CgroupPath.Parse(bytes);
            Assert.Equal(found.Kind == CgroupKind.None, found.Name.Length == 0);
            Assert.Equal(found.Kind == CgroupKind.Container, found.ContainerId is not null);
            Assert.DoesNotContain(found.Name, char.IsControl);
            _ = CgroupPath.ParseProcess(bytes);
        }
    }

    [Fact]
    public void A_segment_longer_than_a_name_can_be_is_passed_over()
    {
        Expect("/" + new string('a', 300) + ".service", CgroupKind.None, "", null, null);
        Expect("/" + new string('a', 247) + ".service", CgroupKind.Unit, new string('a', 247) + ".service", null, null);
    }

    private static void Expect(string path, CgroupKind kind, string name, string? containerId, string? podUid)
    {
        CgroupPath expected = new(kind, name) { ContainerId = containerId, PodUid = podUid };
        Assert.Equal(expected, CgroupPath.Parse(Encoding.UTF8.GetBytes(path)));
    }
}
