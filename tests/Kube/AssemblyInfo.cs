// One node, one agent: what one test makes the other would see, and some stop a part of the node.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
