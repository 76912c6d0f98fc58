using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Core.Records;

/// <summary>Is told which connections of local sockets there are, so that the other end of one can be found when it is local, too.</summary>
/// <remarks>Each added connection is removed once, with the same ends, network namespace and opener.</remarks>
public interface ISocketDirectory
{
    /// <summary>A connection became known; its workload was asked for.</summary>
    void Add(Connection connection);

    /// <summary>It is forgotten.</summary>
    void Remove(Connection connection);
}
