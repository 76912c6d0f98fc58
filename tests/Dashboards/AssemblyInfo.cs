using System.Runtime.Versioning;

[assembly: SupportedOSPlatform("linux")]

// One scene for all, with an agent that measures it.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
