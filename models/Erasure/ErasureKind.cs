namespace EscNative.Models.Erasure;

/// <summary>The form of one factor of an erasure operator.</summary>
public enum ErasureKind
{
    /// <summary>z - U(Uᵀz) with orthonormal columns U: an orthogonal projection (ESC).</summary>
    Projection,

    /// <summary>z - L(Rᵀz) + b: an oblique or affine removal (LEACE, SPLINCE, Remap).</summary>
    Oblique,

    /// <summary>A(Aᵀz) with A = U ⊙ M (ESC-T). Not a projection: applying it twice is not applying it once.</summary>
    Masked,
}
