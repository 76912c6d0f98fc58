namespace KubeBpfBox.Kube.Cluster;

/// <summary>A namespace of a test's own.</summary>
/// <remarks>Lifetime: <see cref="Dispose"/> removes it and all that is in it.</remarks>
internal sealed class TestNamespace : IDisposable
{
    public TestNamespace(string name)
    {
        Name = name;
        Kubectl.Run("create", "namespace", name);
        // Pods are refused until their namespace has its service account.
        Kubectl.Until(() => Kubectl.Run("get", "serviceaccounts", "-n", name, "-o", "name").Contains("/default", StringComparison.Ordinal), () => $"a service account in {name}");
    }

    public string Name { get; }

    /// <summary>Makes objects in it.</summary>
    public void Apply(params IEnumerable<string> yaml) => Kubectl.Apply(string.Join("---\n", yaml.Select(one => one.Replace("NAMESPACE", Name, StringComparison.Ordinal))));

    /// <summary>Follows its requests and events.</summary>
    public Observer Observe(string mark, bool withoutApiServer = false) => new(Name, mark, withoutApiServer);

    /// <summary>Its pods that are not on their way out.</summary>
    public IReadOnlyList<Pod> Pods(params IEnumerable<string> selection) =>
        [.. Kubectl.Get(["pods", "-n", Name, .. selection]).GetProperty("items").EnumerateArray()
            .Where(static pod => !pod.GetProperty("metadata").TryGetProperty("deletionTimestamp", out _)).Select(Pod.Of)];

    /// <summary>Waits until pods are ready.</summary>
    /// <param name="app">Value of their label "app".</param>
    /// <param name="count">How many there are to be.</param>
    public IReadOnlyList<Pod> Ready(string app, int count = 1)
    {
        IReadOnlyList<Pod> pods = [];
        Kubectl.Until(
            () => (pods = Pods("-l", "app=" + app)).Count == count && pods.All(static pod => pod.IsReady),
            () => $"{count} ready pods of {app}: {string.Join("; ", pods)}");
        return pods;
    }

    /// <summary>Removes a pod, and waits until it is gone.</summary>
    public void Delete(string pod) => Kubectl.Run("delete", "pod", "-n", Name, pod, "--now");

    public void Dispose() => Kubectl.Run("delete", "namespace", Name);
}
