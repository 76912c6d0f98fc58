// Programs attached by one test see the traffic of another, and counters are compared exactly.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
