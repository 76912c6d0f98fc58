using System.Runtime.CompilerServices;

// All calls into C are blittable: nothing is marshalled at run time, which ahead-of-time compilation cannot do.
[assembly: DisableRuntimeMarshalling]
