namespace EscNative.Engine.Plans;

/// <summary>What a pooling takes of its windows.</summary>
internal enum PoolKind
{
    Max,
    Average,
}
