using System.Runtime.CompilerServices;

namespace KubeBpfBox.Protocols.Http1;

/// <summary>The response that the server is sending, its interim responses included.</summary>
internal struct ResponseState
{
    /// <summary>Interim codes kept; a sender of more is not heard out.</summary>
    public const int MaxInterim = 8;

    /// <summary>Longest Upgrade value kept.</summary>
    public const int MaxUpgradeLength = 32;

    /// <summary>An interim or final head has been seen.</summary>
    public bool IsActive;

    /// <summary>It answers the oldest pending request; otherwise nobody asked as far as is known.</summary>
    public bool IsPaired;

    /// <summary>It was chosen by acknowledgement numbers after a loss.</summary>
    public bool IsPairedAfterLoss;

    /// <summary>It answers a request that was reported already, or dropped: emit nothing.</summary>
    public bool IsSilent;

    /// <summary>Complete, and waiting for the request to be so too.</summary>
    public bool IsDone;

    /// <summary>Nothing of HTTP/1 follows: do not wait for the request to be complete.</summary>
    public bool Switches;

    public bool IsHeadTruncated;
    public bool IsBodyIncomplete;
    public byte InterimCount;
    public byte UpgradeLength;

    /// <summary>Final status code; 0 while only interim ones came.</summary>
    public int Status;
    public long FirstStartNs;
    public long FinalStartNs;
    public long EndNs;
    public long Bytes;
    public long BodyBytes;

    /// <summary>One of <see cref="Core.Records.TransactionError"/>, when the response broke off.</summary>
    public string? Error;

    public InterimCodes Interim;
    public UpgradeToken Upgrade;

    /// <summary>Back to no response. The arrays are left as they are: their counts say what of them is meant.</summary>
    public void Clear()
    {
        IsActive = IsPaired = IsPairedAfterLoss = IsSilent = IsDone = Switches = IsHeadTruncated = IsBodyIncomplete = false;
        InterimCount = UpgradeLength = 0;
        Status = 0;
        FirstStartNs = FinalStartNs = EndNs = Bytes = BodyBytes = 0;
        Error = null;
    }

    [InlineArray(MaxInterim)]
    internal struct InterimCodes
    {
        private short _first;
    }

    [InlineArray(MaxUpgradeLength)]
    internal struct UpgradeToken
    {
        private byte _first;
    }
}
