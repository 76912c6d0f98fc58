using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Core.Red;

/// <summary>What of a workload tells series apart: its names, not how they were found nor which process it was.</summary>
internal static class RedIdentity
{
    public static bool AreSame(Workload one, Workload other) => ReferenceEquals(one, other)
        || (one.Name == other.Name && one.Kind == other.Kind && one.Namespace == other.Namespace && one.Pod == other.Pod
            && one.Container == other.Container && one.Service == other.Service);

    public static void AddTo(ref HashCode hash, Workload workload)
    {
        hash.Add(workload.Name);
        hash.Add(workload.Namespace);
        hash.Add(workload.Pod);
        hash.Add(workload.Container);
    }
}
