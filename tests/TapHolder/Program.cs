using KubeBpfBox.Plugins.Traffic;

// Attaches the traffic tap to the cgroup named by the argument and sits there until it is killed.
TrafficOptions options = new() { CgroupPath = args[0] };
using TrafficTap tap = TrafficTap.Load(options);
tap.Attach(options);
Console.WriteLine("attached");
Thread.Sleep(Timeout.Infinite);
