using System.Text.Json.Serialization;

namespace KubeBpfBox.Agent.Kubernetes.Objects;

/// <summary>Readers of what the API server answers, made at compile time.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(ObjectList<Pod>))]
[JsonSerializable(typeof(ObjectList<Service>))]
[JsonSerializable(typeof(ObjectList<EndpointSlice>))]
[JsonSerializable(typeof(ObjectList<Endpoints>))]
[JsonSerializable(typeof(ObjectList<Node>))]
[JsonSerializable(typeof(Job))]
[JsonSerializable(typeof(Status))]
[JsonSerializable(typeof(ExecCredential))]
internal sealed partial class KubernetesJson : JsonSerializerContext;
