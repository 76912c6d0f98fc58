namespace KubeBpfBox.Core.Records;

/// <summary>An endpoint as UTF-8, without the objects that <see cref="Endpoint.TryFormat"/> makes.</summary>
/// <remarks>Gives the same text as <see cref="Endpoint.ToString"/>. Source: RFC 5952.</remarks>
public static class EndpointText
{
    /// <summary>Writes "10.0.0.1:80" or "[2001:db8::1]:80".</summary>
    /// <param name="endpoint">What to write.</param>
    /// <param name="destination">At least <see cref="Endpoint.MaxTextLength"/> bytes.</param>
    /// <returns>Bytes written.</returns>
    public static int Format(Endpoint endpoint, Span<byte> destination)
    {
        int at = 0;
        if (endpoint.IsIPv4)
        {
            at = FormatIPv4((uint)endpoint.Low, destination, at);
        }
        else
        {
            destination[at++] = (byte)'[';
            at = FormatIPv6(endpoint, destination, at);
            destination[at++] = (byte)']';
        }
        destination[at++] = (byte)':';
        return FormatNumber(endpoint.Port, destination, at);
    }

    /// <summary>Writes the address alone: "10.0.0.1", "2001:db8::1".</summary>
    /// <param name="endpoint">What to write.</param>
    /// <param name="destination">At least <see cref="Endpoint.MaxTextLength"/> bytes.</param>
    /// <returns>Bytes written.</returns>
    public static int FormatAddress(Endpoint endpoint, Span<byte> destination) =>
        endpoint.IsIPv4 ? FormatIPv4((uint)endpoint.Low, destination, 0) : FormatIPv6(endpoint, destination, 0);

    private static int FormatIPv4(uint address, Span<byte> destination, int at)
    {
        at = FormatNumber(address >> 24, destination, at);
        destination[at++] = (byte)'.';
        at = FormatNumber((address >> 16) & 0xFF, destination, at);
        destination[at++] = (byte)'.';
        at = FormatNumber((address >> 8) & 0xFF, destination, at);
        destination[at++] = (byte)'.';
        return FormatNumber(address & 0xFF, destination, at);
    }

    private static int FormatIPv6(Endpoint endpoint, Span<byte> destination, int at)
    {
        bool embeds = EmbedsIPv4(endpoint);
        int groups = embeds ? 6 : 8;
        (int start, int end) = LongestZeroRun(endpoint, groups);
        for (int i = 0; i < groups; i++)
        {
            if (i == start)
            {
                destination[at++] = (byte)':';
                destination[at++] = (byte)':';
                i = end - 1;
                continue;
            }
            if (i > 0 && i != end)
            {
                destination[at++] = (byte)':';
            }
            at = FormatHex(Group(endpoint, i), destination, at);
        }
        if (!embeds)
        {
            return at;
        }
        if (end != groups)
        {
            destination[at++] = (byte)':';
        }
        return FormatIPv4((uint)endpoint.Low, destination, at);
    }

    // The prefixes after which .NET prints the last 32 bits as IPv4: RFC 4291 section 2.5.5, SIIT (RFC 2765), ISATAP (RFC 5214).
    private static bool EmbedsIPv4(Endpoint endpoint)
    {
        uint middle = (uint)(endpoint.Low >> 32);
        return middle == 0x00005EFE || (middle is 0 or 0xFFFF0000 && endpoint.High == 0 && Group(endpoint, 6) != 0);
    }

    // RFC 5952 section 4.2: the longest run of two or more zero groups, the first of equals.
    private static (int Start, int End) LongestZeroRun(Endpoint endpoint, int groups)
    {
        int start = -1;
        int end = -1;
        for (int i = 0; i < groups; i++)
        {
            int from = i;
            while (i < groups && Group(endpoint, i) == 0)
            {
                i++;
            }
            if (i - from > Math.Max(1, end - start))
            {
                (start, end) = (from, i);
            }
        }
        return (start, end);
    }

    private static uint Group(Endpoint endpoint, int index) => (ushort)((index < 4 ? endpoint.High : endpoint.Low) >> (48 - ((index & 3) * 16)));

    private static int FormatHex(uint value, Span<byte> destination, int at)
    {
        for (int shift = value > 0xFFF ? 12 : value > 0xFF ? 8 : value > 0xF ? 4 : 0; shift >= 0; shift -= 4)
        {
            destination[at++] = "0123456789abcdef"u8[(int)(value >> shift) & 0xF];
        }
        return at;
    }

    private static int FormatNumber(uint value, Span<byte> destination, int at)
    {
        int digits = value < 10 ? 1 : value < 100 ? 2 : value < 1000 ? 3 : value < 10000 ? 4 : 5;
        for (int i = at + digits - 1; i >= at; i--)
        {
            (value, uint digit) = Math.DivRem(value, 10);
            destination[i] = (byte)('0' + digit);
        }
        return at + digits;
    }
}
