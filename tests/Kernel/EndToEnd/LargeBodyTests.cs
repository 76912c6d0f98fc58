using System.Net.Sockets;
using System.Text.Json;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kernel.EndToEnd;

[Collection(SharedAgent.Name)]
public sealed class LargeBodyTests(AgentFixture fixture)
{
    private const long Upload = 100L * 1024 * 1024;
    private const int ChunkBytes = 64 * 1024;
    private const int Chunks = 800; // 50 MiB

    [Fact]
    public void Bodies_of_a_hundred_megabytes_are_measured_and_not_copied()
    {
        using SocketServer server = new(Serve);
        LedgerView before = fixture.Agent.LedgerAtRest();

        using (Socket nginx = fixture.Inside(() => Traffic.Connect(fixture.Port)))
        {
            AssertSeen("/100m", Traffic.Exchange(nginx, "GET /100m HTTP/1.1\r\nHost: h\r\n\r\n"), responseBody: NginxServer.LargeBytes);
            AssertSeen("/after-100m", Traffic.Exchange(nginx, "GET /after-100m HTTP/1.1\r\nHost: h\r\n\r\n"), responseBody: NginxServer.PageBytes);
        }
        LedgerView after = fixture.Agent.LedgerAtRest();
        AssertFewRecords(before, after, bodyBytes: NginxServer.LargeBytes);

        fixture.Inside(() =>
        {
            using Socket socket = Traffic.Connect(server.Port);
            byte[] head = System.Text.Encoding.ASCII.GetBytes($"POST /upload HTTP/1.1\r\nHost: h\r\nContent-Length: {Upload}\r\n\r\n");
            socket.Send(head);
            byte[] piece = new byte[1024 * 1024];
            for (long sent = 0; sent < Upload; sent += piece.Length)
            {
                socket.Send(piece);
            }
            Answer answer = Traffic.ReadAnswer(socket, head.Length + Upload);
            AssertClientSaw("/upload", answer, "request_body_bytes", Upload);
            AssertClientSaw("/after-upload", Traffic.Exchange(socket, "GET /after-upload HTTP/1.1\r\nHost: h\r\n\r\n"), "response_body_bytes", 2);
            return true;
        });
        AssertFewRecords(after, fixture.Agent.LedgerAtRest(), bodyBytes: Upload);
    }

    [Fact]
    public void A_long_chunked_body_is_measured_or_marked_and_the_next_request_is_seen()
    {
        using SocketServer server = new(Serve);
        fixture.Inside(() =>
        {
            using Socket socket = Traffic.Connect(server.Port);
            Answer answer = Traffic.Exchange(socket, "GET /chunked-50m HTTP/1.1\r\nHost: h\r\n\r\n");
            // Should the very end have been lost, the next message tells that there was one.
            Answer next = Traffic.Exchange(socket, "GET /after-chunked HTTP/1.1\r\nHost: h\r\n\r\n");
            JsonElement seen = Client("/chunked-50m");
            Assert.Equal(200, seen.GetProperty("status").GetInt32());
            // Faster than the ring takes it: what was lost is said to be, and a number that is told without that is the right one.
            bool isIncomplete = seen.TryGetProperty("incomplete", out _);
            Assert.True(isIncomplete || seen.GetProperty("response_bytes").GetInt64() == answer.ResponseBytes, seen.ToString());
            Assert.InRange(seen.GetProperty("response_bytes").GetInt64(), 1, answer.ResponseBytes);
            JsonElement body = seen.GetProperty("response_body_bytes");
            Assert.True(isIncomplete || body.ValueKind == JsonValueKind.Null || body.GetInt64() == (long)Chunks * ChunkBytes, seen.ToString());
            AssertClientSaw("/after-chunked", next, "response_body_bytes", 2);
            return true;
        });
    }

    private void AssertSeen(string target, Answer answer, long responseBody)
    {
        IReadOnlyList<JsonElement> both = fixture.Seen(target);
        Assert.Equal(2, both.Count);
        foreach (JsonElement one in both)
        {
            Assert.Equal(200, one.GetProperty("status").GetInt32());
            Assert.Equal(answer.RequestBytes, one.GetProperty("request_bytes").GetInt64());
            Assert.Equal(answer.ResponseBytes, one.GetProperty("response_bytes").GetInt64());
            Assert.Equal(responseBody, one.GetProperty("response_body_bytes").GetInt64());
        }
    }

    /// <summary>The test's own server accepts outside the cgroup: one end is seen.</summary>
    private JsonElement Client(string target) => Assert.Single(fixture.Seen(target, count: 1), static one => one.GetProperty("role").GetString() == "client");

    private void AssertClientSaw(string target, Answer answer, string body, long bodyBytes)
    {
        JsonElement seen = Client(target);
        Assert.Equal(answer.Status, seen.GetProperty("status").GetInt32());
        Assert.Equal(answer.RequestBytes, seen.GetProperty("request_bytes").GetInt64());
        Assert.Equal(answer.ResponseBytes, seen.GetProperty("response_bytes").GetInt64());
        Assert.Equal(bodyBytes, seen.GetProperty(body).GetInt64());
    }

    /// <summary>The tap skips what user space does not want: nearly every packet of the body stays in the kernel.</summary>
    private static void AssertFewRecords(LedgerView before, LedgerView after, long bodyBytes)
    {
        StageView kernelBefore = before["traffic_kernel"], kernel = after["traffic_kernel"];
        long skipped = kernel.Dropped("not_wanted") - kernelBefore.Dropped("not_wanted");
        // Until the agent has looked at the head, a socket's budget bounds what is copied.
        long overBudget = kernel.Dropped("over_budget") - kernelBefore.Dropped("over_budget");
        long records = kernel.Out - kernelBefore.Out;
        string found = $"{skipped} packets skipped, {overBudget} over budget, {records} records";
        Assert.True(skipped > 0, found);
        // A packet has 64 KiB at most.
        Assert.True(skipped + overBudget > bodyBytes / 65_536 / 2, found);
        Assert.True(records < skipped + overBudget, found);
    }

    private static void Serve(Socket socket)
    {
        byte[] buffer = new byte[1024 * 1024];
        while (Traffic.ReadHead(socket) is { Length: > 0 } head)
        {
            const string Length = "Content-Length: ";
            int at = head.IndexOf(Length, StringComparison.Ordinal);
            long body = at < 0 ? 0 : long.Parse(head.AsSpan(at + Length.Length, head.IndexOf('\r', at) - at - Length.Length), System.Globalization.CultureInfo.InvariantCulture);
            while (body > 0)
            {
                body -= socket.Receive(buffer);
            }
            if (head.StartsWith("GET /chunked", StringComparison.Ordinal))
            {
                SendChunked(socket);
            }
            else
            {
                socket.Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"u8);
            }
        }
    }

    private static void SendChunked(Socket socket)
    {
        socket.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"u8);
        byte[] chunk = [.. "10000\r\n"u8, .. new byte[ChunkBytes], .. "\r\n"u8];
        for (int i = 0; i < Chunks; i++)
        {
            socket.Send(chunk);
        }
        socket.Send("0\r\n\r\n"u8);
    }
}
