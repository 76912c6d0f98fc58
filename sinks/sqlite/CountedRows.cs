using KubeBpfBox.Core.Red;
using Microsoft.Data.Sqlite;

namespace KubeBpfBox.Sinks.Sqlite;

/// <summary>Writes what series or calls counted: windows as they come, and the longer steps made of them. Belongs to the writer.</summary>
internal sealed class CountedRows<TNames> : IDisposable
    where TNames : struct, IKeyNames
{
    private readonly KeyIds<TNames> _ids;
    private readonly StepRows _rows;
    private readonly RollUp _rollUp;

    public CountedRows(SqliteConnection connection, StepTables tables)
    {
        _ids = new KeyIds<TNames>(connection, tables);
        _rows = new StepRows(connection, tables.Name(StepTables.StepsS[0]));
        _rollUp = new RollUp(connection, tables);
    }

    /// <summary>Writes one key's window.</summary>
    public void Insert(SqliteTransaction within, long startS, in TNames names, in StepCounts counts)
    {
        _rows.Insert(within, startS, _ids.Of(within, in names, startS), in counts);
        _rollUp.OnRow(within, startS);
    }

    /// <inheritdoc cref="RollUp.Run"/>
    public bool MakeLongerSteps(long nowS) => _rollUp.Run(nowS);

    /// <summary>Keys were deleted.</summary>
    public void Forget() => _ids.Forget();

    public void Dispose()
    {
        _ids.Dispose();
        _rows.Dispose();
        _rollUp.Dispose();
    }
}
