using System.Diagnostics;
using System.Text.Json;
using KubeBpfBox.Agent.Kubernetes.Objects;

namespace KubeBpfBox.Agent.Kubernetes.Connection;

/// <summary>A program that prints credentials, run again when they have expired or were refused.</summary>
/// <remarks>Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins.</remarks>
internal sealed class ExecPlugin : Credentials
{
    private const int MaxOutputCharacters = 1024 * 1024;

    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_margin = TimeSpan.FromSeconds(10);

    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly TimeProvider _time;
    private readonly string _where;
    private readonly string _version;
    private readonly string _hint;
    private readonly ProcessStartInfo _command;
    private volatile Answer? _answer;

    private ExecPlugin(YamlTree exec, ProcessStartInfo command, string version, TimeProvider time)
    {
        _where = exec.Where;
        _version = version;
        _hint = exec.Field("installHint").Text() is { } hint ? $"; {ApiException.OneLine(hint)}" : string.Empty;
        _command = command;
        _time = time;
    }

    /// <inheritdoc/>
    public override ClientCertificate? Certificate => _answer?.Certificate;

    /// <summary>Reads "exec" of a kubeconfig. The program is first run with the first request.</summary>
    /// <exception cref="AgentException">It cannot be used.</exception>
    public static ExecPlugin Open(YamlTree exec, ApiServer server, string folder, TimeProvider time)
    {
        string version = exec.Field("apiVersion").Required();
        if (version is not ("client.authentication.k8s.io/v1" or "client.authentication.k8s.io/v1beta1"))
        {
            exec.Field("apiVersion").Fail($"'{version}' is not supported; supported are client.authentication.k8s.io/v1 and v1beta1");
        }
        if (exec.Field("interactiveMode").Text() == "Always")
        {
            exec.Field("interactiveMode").Fail("'Always' is not possible here: nobody can answer a question; use Never or IfAvailable");
        }
        string program = exec.Field("command").Required();
        ProcessStartInfo command = new(program.Contains('/', StringComparison.Ordinal) ? Path.Combine(folder, program) : program)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (YamlTree argument in exec.Field("args").Items())
        {
            command.ArgumentList.Add(argument.Text() ?? string.Empty);
        }
        foreach (YamlTree variable in exec.Field("env").Items())
        {
            command.Environment[variable.Field("name").Required()] = variable.Field("value").Text() ?? string.Empty;
        }
        command.Environment["KUBERNETES_EXEC_INFO"] = Info(version, exec.Field("provideClusterInfo").Flag() ? server : null);
        return new ExecPlugin(exec, command, version, time);
    }

    /// <inheritdoc/>
    public override async ValueTask<string?> AuthorizationAsync(CancellationToken cancellation)
    {
        Answer? answer = _answer;
        if (answer is null || answer.Expires <= _time.GetUtcNow() + s_margin)
        {
            answer = await RunAsync(answer, cancellation).ConfigureAwait(false);
        }
        return answer.Authorization;
    }

    /// <inheritdoc/>
    public override async ValueTask<bool> RefusedAsync(string? authorization, CancellationToken cancellation)
    {
        Answer? refused = _answer;
        if (refused is null || refused.Authorization != authorization)
        {
            return true;
        }
        Answer renewed = await RunAsync(refused, cancellation).ConfigureAwait(false);
        return renewed.Authorization != authorization || !Equals(renewed.Certificate, refused.Certificate);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        _turn.Dispose();
    }

    /// <summary>Runs the program, unless somebody else did while we waited.</summary>
    private async Task<Answer> RunAsync(Answer? outdated, CancellationToken cancellation)
    {
        await _turn.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            if (_answer is { } answer && !ReferenceEquals(answer, outdated))
            {
                return answer;
            }
            Answer renewed = Read(await OutputAsync(cancellation).ConfigureAwait(false));
            _answer = renewed;
            return renewed;
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task<string> OutputAsync(CancellationToken cancellation)
    {
        using CancellationTokenSource limit = new(s_timeout, _time);
        using CancellationTokenSource both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        using Process process = Start();
        try
        {
            process.StandardInput.Close();
            Task<string> output = ReadAsync(process.StandardOutput, both.Token);
            string errors = await ReadAsync(process.StandardError, both.Token).ConfigureAwait(false);
            string text = await output.ConfigureAwait(false);
            await process.WaitForExitAsync(both.Token).ConfigureAwait(false);
            return process.ExitCode == 0 ? text : throw new AgentException($"{_where}: {_command.FileName} failed with exit code {process.ExitCode}: {ApiException.OneLine(errors)}{_hint}");
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw new AgentException($"{_where}: {_command.FileName} did not end within {s_timeout.TotalSeconds:0} s");
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }

    private Process Start()
    {
        try
        {
            return Process.Start(_command)!;
        }
        catch (Exception e) when (e is System.ComponentModel.Win32Exception or IOException)
        {
            throw new AgentException($"{_where}: {_command.FileName} cannot be run: {ApiException.OneLine(e.Message)}{_hint}");
        }
    }

    private static async Task<string> ReadAsync(StreamReader reader, CancellationToken cancellation)
    {
        char[] buffer = new char[4096];
        System.Text.StringBuilder text = new();
        int count;
        // Read to the end whatever it prints, or it would wait for ever; but not all of it is kept.
        while ((count = await reader.ReadAsync(buffer, cancellation).ConfigureAwait(false)) > 0)
        {
            text.Append(buffer, 0, Math.Min(count, MaxOutputCharacters - text.Length));
        }
        return text.ToString();
    }

    private Answer Read(string output)
    {
        ExecCredential? credential;
        try
        {
            credential = JsonSerializer.Deserialize(output, KubernetesJson.Default.ExecCredential);
        }
        catch (JsonException)
        {
            // What it printed may be a secret, so none of it is told.
            throw new AgentException($"{_where}: {_command.FileName} printed no ExecCredential in JSON");
        }
        if (credential is not { Kind: "ExecCredential", Status: { } status } || credential.ApiVersion != _version)
        {
            throw new AgentException($"{_where}: {_command.FileName} printed no ExecCredential of {_version} with a status");
        }
        ClientCertificate? certificate = null;
        if (status is { ClientCertificateData: { } shown, ClientKeyData: { } key })
        {
            certificate = new ClientCertificate(PemSource.OfText(shown, $"{_where}: clientCertificateData"), PemSource.OfText(key, $"{_where}: clientKeyData"));
            certificate.Load().Dispose();
        }
        string? token = status.Token is { Length: > 0 } text && !text.AsSpan().ContainsAnyExceptInRange('!', '~') ? text : null;
        return token is null && certificate is null
            ? throw new AgentException($"{_where}: {_command.FileName} gave neither a token nor a client certificate with its key")
            : new Answer(token is null ? null : FixedCredentials.Bearer(token), certificate, status.ExpirationTimestamp ?? DateTimeOffset.MaxValue - s_margin);
    }

    private static string Info(string version, ApiServer? server)
    {
        using MemoryStream text = new();
        using (Utf8JsonWriter writer = new(text))
        {
            writer.WriteStartObject();
            writer.WriteString("apiVersion", version);
            writer.WriteString("kind", "ExecCredential");
            writer.WriteStartObject("spec");
            writer.WriteBoolean("interactive", false);
            if (server is not null)
            {
                writer.WriteStartObject("cluster");
                writer.WriteString("server", server.Url.OriginalString);
                if (server.TlsServerName is not null)
                {
                    writer.WriteString("tls-server-name", server.TlsServerName);
                }
                if (server.SkipsVerification)
                {
                    writer.WriteBoolean("insecure-skip-tls-verify", true);
                }
                if (server.Authority is not null)
                {
                    writer.WriteBase64String("certificate-authority-data", System.Text.Encoding.UTF8.GetBytes(server.Authority.Read()));
                }
                writer.WriteEndObject();
            }
            writer.WriteEndObject();
            writer.WriteEndObject();
        }
        return System.Text.Encoding.UTF8.GetString(text.ToArray());
    }

    private sealed record Answer(string? Authorization, ClientCertificate? Certificate, DateTimeOffset Expires);
}
